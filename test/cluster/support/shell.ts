import type { CoreV1Api, V1PodSpec } from '@kubernetes/client-node';
import { until } from '../../support/until.ts';

export interface ShellOptions {
  readonly namespace: string;
  /** Of a pod that a shell takes the place of: user, mounts and all else stay. */
  readonly spec: V1PodSpec;
  readonly script: string;
}

/** What a shell says in each container of a pod that is in all else another one. */
export async function runShell(
  core: CoreV1Api,
  { namespace, spec, script }: ShellOptions,
): Promise<Record<string, string>> {
  const name = 'shell';
  const containers = spec.containers.map(
    ({ startupProbe: _s, readinessProbe: _r, livenessProbe: _l, lifecycle: _c, ...container }) => ({
      ...container,
      command: ['sh', '-c', `(${script}) 2>&1`],
    }),
  );
  await core.createNamespacedPod({
    namespace,
    body: { metadata: { name }, spec: { ...spec, restartPolicy: 'Never', containers } },
  });
  await until(async () => (await core.readNamespacedPod({ namespace, name })).status?.phase === 'Succeeded');
  const said = await Promise.all(
    containers.map(
      async (container) =>
        [container.name, await core.readNamespacedPodLog({ namespace, name, container: container.name })] as const,
    ),
  );
  await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 });
  return Object.fromEntries(said);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  KubeConfig,
  loadAllYaml,
  RbacAuthorizationV1Api,
  type V1Role,
  type V1RoleBinding,
} from '@kubernetes/client-node';
import { connectCluster, type Cluster as Connection } from '../../../k8s/client.ts';
import { repository } from '../../support/stack.ts';
import type { ServingSite } from './serving.ts';

/** Notes what is asked of the API server, as a Role would name it. */
export function noting(cluster: Connection, asked: Set<string>): Connection {
  const plural = (kind: string): string => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`).toLowerCase();
  const noted = <T extends object>(api: T): T =>
    new Proxy(api, {
      get(target, name) {
        const [, verb = '', kind = ''] = /^([a-z]+)Namespaced(\w+)$/.exec(String(name)) ?? [];
        const value: unknown = Reflect.get(target, name);
        if (!verb || typeof value !== 'function') return value;
        return (...args: [{ plural?: string }, ...unknown[]]): unknown => {
          asked.add(
            `${kind === 'CustomObject' ? (args[0].plural ?? '') : plural(kind)} ${verb === 'read' ? 'get' : verb}`,
          );
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  const { apps, core, custom, policy, autoscaling, discovery } = cluster;
  return {
    ...cluster,
    apps: noted(apps),
    core: noted(core),
    custom: noted(custom),
    policy: noted(policy),
    autoscaling: noted(autoscaling),
    discovery: noted(discovery),
  };
}

/** The cluster as a new account of the namespace sees it. */
export async function as(name: string, { connection, placement: { namespace } }: ServingSite): Promise<Connection> {
  await connection.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  const { status } = await connection.core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  const server = connection.kubeConfig.getCurrentCluster();
  if (!server) throw new Error('the cluster has an address');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(server, { name, token: status?.token ?? '' });
  return connectCluster(kubeConfig);
}

/** What `k8s/install` lets the worker do, in this namespace. Returns what it may by each Role. */
export async function grantWorker({
  connection,
  placement: { namespace },
}: ServingSite): Promise<Record<string, string[]>> {
  const rbac = connection.kubeConfig.makeApiClient(RbacAuthorizationV1Api);
  const files = await Promise.all(
    ['jobs/account.yaml', 'serving.yaml', 'kserve.yaml'].map((file) =>
      readFile(join(repository, 'k8s/install', file), 'utf8'),
    ),
  );
  const objects = files.flatMap((text) => loadAllYaml(text) as (V1Role & V1RoleBinding)[]);
  for (const { kind, metadata, rules, roleRef, subjects } of objects) {
    const named = { name: metadata?.name ?? '' };
    if (kind === 'Role') await rbac.createNamespacedRole({ namespace, body: { metadata: named, rules: rules ?? [] } });
    if (kind === 'RoleBinding')
      await rbac.createNamespacedRoleBinding({
        namespace,
        body: { metadata: named, roleRef, subjects: (subjects ?? []).map((subject) => ({ ...subject, namespace })) },
      });
  }
  const roles = objects.filter(({ kind }) => kind === 'Role');
  return Object.fromEntries(
    roles.map(({ metadata, rules = [] }) => [
      metadata?.name ?? '',
      rules.flatMap(({ resources = [], verbs }) => verbs.map((verb) => `${resources.join()} ${verb}`)),
    ]),
  );
}

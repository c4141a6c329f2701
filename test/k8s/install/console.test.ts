import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  loadAllYaml,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
  type V1NetworkPolicy,
  type V1PodSpec,
  type V1Service,
} from '@kubernetes/client-node';
import { expect, test } from '@jest/globals';
import { repository } from '../../support/stack.ts';
import { loadConfig } from '../../../workers/config.ts';

/** The console as `k8s/install` has it: `test/cluster/install.test.ts` has a cluster take it, this says what it is made of. */
const objects = (file: string): KubernetesObject[] =>
  loadAllYaml(readFileSync(join(repository, 'k8s/install', file), 'utf8')) as KubernetesObject[];
const ofKind = <T extends KubernetesObject>(kind: string): T => {
  const found = objects('console.yaml').find((object) => object.kind === kind);
  if (!found) throw new Error(`console.yaml has a ${kind}`);
  return found as T;
};

const pod = ofKind<V1Deployment>('Deployment').spec?.template.spec as V1PodSpec;
const [container] = pod.containers;
const [settings] = objects('settings.yaml') as V1ConfigMap[];
const own = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
const config = loadConfig({ ...settings?.data, ...own });
/** As an overlay of the README has it. */
const [, rulesSetting = ''] =
  /^ +TUNELINE_EVENT_RULES: (\S+)/m.exec(readFileSync(join(repository, 'README.md'), 'utf8')) ?? [];
const withEvents = loadConfig({ ...settings?.data, ...own, TUNELINE_EVENT_RULES: rulesSetting });
const mountOf = (name: string) => container?.volumeMounts?.find((mount) => mount.name === name);

test('it runs a program of the image, and no other argument of it', () => {
  const [program, ...rest] = container?.command ?? [];
  expect(program).toBe('node');
  expect(container?.args).toBeUndefined();
  expect(existsSync(join(repository, rest.at(-1) ?? ''))).toBe(true);
});

test('it can write nowhere, and sees the artifacts alone of the storage', () => {
  expect(container?.securityContext?.readOnlyRootFilesystem).toBe(true);
  expect(container?.volumeMounts?.map(({ readOnly }) => readOnly)).toEqual([true, true, true]);
  const artifacts = join(config.folders.state, 'artifacts');
  expect(mountOf('storage')).toMatchObject({
    mountPath: artifacts,
    subPath: artifacts.slice(config.folders.home.length + 1),
  });
  // It is there before the kubelet would make it as root's.
  expect(pod.initContainers?.[0]).toMatchObject({
    command: ['mkdir', '-p', artifacts],
    volumeMounts: [{ name: 'storage', mountPath: config.folders.home }],
  });
});

test('whom it answers is said by a Secret that its user alone reads', () => {
  expect(mountOf('tokens')?.mountPath).toBe(dirname(config.tokensPath));
  expect(pod.volumes).toContainEqual({
    name: 'tokens',
    secret: { secretName: 'tuneline-tokens', optional: true, defaultMode: 0o440 },
  });
  expect(pod.securityContext?.fsGroup).toBe(10_001);
});

test('each port is listened at, served and open: one for people, asked for its health, one for events, one for Prometheus', () => {
  const [port, eventsPort] = [config.consoleUrl, withEvents.events?.url ?? ''].map((url) => Number(new URL(url).port));
  const metricsPort = config.metricsPort ?? NaN;
  expect(container?.ports).toEqual([
    { name: 'http', containerPort: port },
    { name: 'events', containerPort: eventsPort },
    { name: 'metrics', containerPort: metricsPort },
  ]);
  for (const probe of [container?.startupProbe, container?.readinessProbe, container?.livenessProbe])
    expect(probe?.httpGet).toEqual({ path: '/healthz', port: 'http' });
  const services = objects('console.yaml').filter(({ kind }) => kind === 'Service') as V1Service[];
  expect(services.map(({ metadata, spec }) => [metadata?.name, spec?.ports])).toEqual([
    ['console', [{ name: 'http', port, targetPort: 'http' }]],
    ['events', [{ name: 'events', port: eventsPort, targetPort: 'events' }]],
  ]);
  for (const { spec } of services)
    expect(spec?.selector).toEqual(ofKind<V1Deployment>('Deployment').spec?.template.metadata?.labels);
  expect(ofKind<V1NetworkPolicy>('NetworkPolicy').spec?.ingress).toEqual([
    {
      _from: [{ namespaceSelector: {} }],
      ports: [port, eventsPort, metricsPort].map((open) => ({ protocol: 'TCP', port: open })),
    },
  ]);
});

test('it takes no events until a ConfigMap has rules for them; those are in its own folder, where the README has the setting say so', () => {
  expect(config.events).toBeUndefined();
  expect(mountOf('event-rules')?.mountPath).toBe(dirname(withEvents.events?.rulesPath ?? ''));
  expect(pod.volumes).toContainEqual({
    name: 'event-rules',
    configMap: { name: 'tuneline-event-rules', optional: true },
  });
  expect(container?.envFrom).toContainEqual({ secretRef: { name: 'tuneline-events', optional: true } });
});

test('it reaches what the settings name, and no address of credentials', () => {
  const egress = ofKind<V1NetworkPolicy>('NetworkPolicy').spec?.egress ?? [];
  const open = egress.filter(({ to }) => to).flatMap(({ ports = [] }) => ports.map(({ port }) => Number(port)));
  for (const port of [config.temporal.connection.address?.split(':').at(-1), new URL(config.mlflow.trackingUri).port])
    expect(open).toContain(Number(port));
  expect(JSON.stringify(egress.filter(({ to }) => to).map(({ to }) => to))).toContain('169.254.0.0/16');
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  releaseProxyRoutes,
  releaseProxyVariable,
  type ReleaseProxySettings,
} from '../../../domain/endpoint/release-proxy-settings.ts';
import { releaseId } from '../../../domain/endpoint/release.ts';
import { endpointName, releaseName } from '../../../domain/names.ts';
import { defaultServing } from '../../../domain/serving/serving-settings.ts';
import type { ReleasePlacement } from '../../../k8s/manifests/release-placement.ts';
import { autoscalerManifest, deploymentManifest, disruptionBudgetManifest } from '../../../k8s/manifests/release.ts';
import { releaseService } from '../../../k8s/manifests/traffic.ts';
import { releaseOf } from '../../builders/releases.ts';

const placement: ReleasePlacement = {
  namespace: 'serving',
  image: 'engine@sha256:0',
  command: ['engine', '$(TUNELINE_WEIGHTS)'],
  cpu: '2',
  releaseProxyImage: 'release-proxy@sha256:0',
  releaseProxyEnv: { MLFLOW_TRACKING_URI: 'http://mlflow:5000' },
  gpus: 1,
  userId: 10_001,
  storage: {
    claim: 'tuneline',
    mounts: [
      { mountPath: '/tuneline/models', subPath: 'models', readOnly: true },
      { mountPath: '/tuneline/state/artifacts', subPath: 'state/artifacts' },
    ],
  },
  replicas: { least: 2, most: 4 },
};
const release = releaseOf('7', { weights: { uri: 'file:///tuneline/state/artifacts/run/model', digest: 'sha256:7' } });
const trial = { smokePrompt: 'hello', template: 'Say it: {{ text }}' };
const manifest = deploymentManifest(release, trial, placement);
const made = { ...manifest, metadata: { ...manifest.metadata, uid: 'its UID' } };
const pod = manifest.spec?.template.spec;
const [releaseProxy, engine] = pod?.containers ?? [];
const envOf = (container = engine) =>
  Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

describe('names', () => {
  test('are RFC 1123 labels that start with a letter, with room for what Kubernetes puts behind', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/), fc.string(), (endpoint, version) => {
        const name = releaseName(releaseOf(version, { endpoint }));
        expect(name).toMatch(/^[a-z][-a-z0-9]*[a-z0-9]$/);
        expect(name.length).toBeLessThanOrEqual(57);
        expect(endpointName(endpoint).length).toBeLessThanOrEqual(57);
      }),
    );
  });

  test('follow from what decides the answers, not from where the weights lie', () => {
    expect(releaseName({ ...release, weights: { ...release.weights, uri: 'file:///elsewhere' } })).toBe(
      releaseName(release),
    );
    for (const other of [
      { endpoint: 'synopses' },
      { model: 'other' },
      { version: '8' },
      { weights: { ...release.weights, digest: 'sha256:8' } },
      { prompt: { name: 'synopsis', version: '2' } },
    ])
      expect(releaseName({ ...release, ...other })).not.toBe(releaseName(release));
  });
});

describe('a release', () => {
  test('is read back from its Deployment, whose pods no other Deployment selects', () => {
    expect(JSON.parse(manifest.metadata?.annotations?.['tuneline.dev/release'] ?? '')).toEqual(release);
    expect(manifest.spec?.selector.matchLabels).toEqual({
      'tuneline.dev/endpoint': 'summaries',
      'tuneline.dev/release': releaseId(release),
    });
    expect(manifest.spec?.template.metadata?.labels).toMatchObject(manifest.spec?.selector.matchLabels ?? {});
  });

  test('tells Prometheus where its figures are', () => {
    expect(manifest.spec?.template.metadata?.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '8000',
      'prometheus.io/path': '/metrics',
    });
  });

  test('is no Job to whoever watches Jobs', () => {
    expect(manifest.spec?.template.metadata?.labels?.['app.kubernetes.io/managed-by']).not.toBe('tuneline');
  });

  test('passes the restricted profile', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const container of pod?.containers ?? [])
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
  });

  test('sees its own weights and the base models, and can change neither', () => {
    expect(engine?.volumeMounts?.filter(({ name }) => name === 'storage')).toEqual([
      {
        name: 'storage',
        mountPath: '/tuneline/state/artifacts/run/model',
        subPath: 'state/artifacts/run/model',
        readOnly: true,
      },
      { name: 'storage', mountPath: '/tuneline/models', subPath: 'models', readOnly: true },
    ]);
    expect(releaseProxy?.volumeMounts?.some(({ name }) => name === 'storage')).toBe(false);
    expect(pod?.volumes).toContainEqual({
      name: 'storage',
      persistentVolumeClaim: { claimName: 'tuneline', readOnly: true },
    });
    expect(engine?.volumeMounts).toContainEqual({ name: 'shared-memory', mountPath: '/dev/shm' });
  });

  test('with weights outside the claim is refused', () => {
    expect(() =>
      deploymentManifest(
        { ...release, weights: { ...release.weights, uri: 'file:///tuneline/state/artifacts-of-others/model' } },
        trial,
        placement,
      ),
    ).toThrow('not in the storage claim');
  });

  test('has an engine that gets its GPU, and is told what it serves under which name', () => {
    expect(engine).toMatchObject({
      image: 'engine@sha256:0',
      command: ['engine', '$(TUNELINE_WEIGHTS)'],
      resources: { limits: { 'nvidia.com/gpu': '1' }, requests: { cpu: '2', 'nvidia.com/gpu': '1' } },
    });
    expect(envOf()).toMatchObject({
      TUNELINE_WEIGHTS: '/tuneline/state/artifacts/run/model',
      TUNELINE_MODEL: 'summaries',
      TUNELINE_PORT: '8002',
      TUNELINE_GPUS: '1',
    });
    expect(pod?.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
  });

  test('has a release proxy whose settings hold all it needs, with the engine inside the pod', () => {
    const settings = JSON.parse(envOf(releaseProxy)[releaseProxyVariable] ?? '') as ReleaseProxySettings;
    expect(settings).toEqual({
      release,
      template: trial.template,
      engine: { url: 'http://127.0.0.1:8002', modelName: 'summaries' },
      port: 8000,
      internalPort: 8001,
      keysPath: '/etc/tuneline/keys.json',
      drainSeconds: 120,
    });
    expect(envOf(releaseProxy)).toMatchObject({ MLFLOW_TRACKING_URI: 'http://mlflow:5000' });
    // The engine's port is nobody's: none of the container's, none of a Service's.
    expect(pod?.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort))).toEqual([
      8000, 8001,
    ]);
  });

  test('lets in whom a Secret names, which need not be there', () => {
    expect(pod?.volumes).toContainEqual({
      name: 'keys',
      secret: { secretName: 'tuneline-api-keys', optional: true, defaultMode: 0o440 },
    });
    expect(releaseProxy?.volumeMounts).toContainEqual({ name: 'keys', mountPath: '/etc/tuneline', readOnly: true });
    expect(engine?.volumeMounts?.some(({ name }) => name === 'keys')).toBe(false);
  });

  test('may load for half an hour before anything is asked of it', () => {
    const { periodSeconds = 0, failureThreshold = 0, httpGet } = engine?.startupProbe ?? {};
    expect(periodSeconds * failureThreshold).toBe(1800);
    expect(httpGet).toEqual({ path: releaseProxyRoutes.engine, port: 8001 });
    expect(manifest.spec?.progressDeadlineSeconds).toBeGreaterThan(1800);
    expect(releaseProxy?.readinessProbe?.httpGet).toEqual({ path: releaseProxyRoutes.ready, port: 8001 });
  });

  test('that may answer for longer goes as much later', () => {
    const slow = deploymentManifest(
      { ...release, serving: { ...defaultServing, timeoutSeconds: 900 } },
      trial,
      placement,
    ).spec?.template.spec;
    expect(slow?.terminationGracePeriodSeconds).toBe((pod?.terminationGracePeriodSeconds ?? 0) + 900 - 120);
    expect(
      (JSON.parse(envOf(slow?.containers[0])[releaseProxyVariable] ?? '') as ReleaseProxySettings).drainSeconds,
    ).toBe(900);
  });

  test('goes when every node has heard of it and its requests are answered: first the release proxy, then the engine', () => {
    expect(releaseProxy?.lifecycle?.preStop?.sleep?.seconds).toBe(10);
    expect(engine?.lifecycle?.preStop?.httpGet).toEqual({ path: releaseProxyRoutes.drained, port: 8001 });
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(10 + 120);
    // One that hangs is ended without: the release proxy would never say that it has drained.
    for (const probe of [engine?.startupProbe, engine?.livenessProbe])
      expect(probe?.terminationGracePeriodSeconds).toBe(20);
  });
});

describe('beside a release', () => {
  test('all goes when it does', () => {
    const owner = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: releaseName(release), uid: 'its UID' }];
    for (const object of [
      autoscalerManifest(made, placement.replicas, placement),
      disruptionBudgetManifest(made),
      releaseService(made),
    ])
      expect(object.metadata?.ownerReferences).toEqual(owner);
  });

  test('an autoscaler goes by the load that the settings name, else by the processor of the engine', () => {
    const metricOf = (load?: ReleasePlacement['load']) =>
      autoscalerManifest(made, { least: 1, most: 3 }, load ? { load } : {}).spec?.metrics?.[0];
    expect(metricOf()).toMatchObject({
      containerResource: { name: 'cpu', container: 'engine', target: { averageUtilization: 80 } },
    });
    expect(metricOf({ metric: 'vllm:num_requests_waiting', each: '4' })).toMatchObject({
      pods: { metric: { name: 'vllm:num_requests_waiting' }, target: { type: 'AverageValue', averageValue: '4' } },
    });
  });

  test('who drains nodes leaves half of the pods, and takes what is not ready', () => {
    expect(disruptionBudgetManifest(made).spec).toEqual({
      minAvailable: '50%',
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: made.spec?.selector,
    });
  });
});

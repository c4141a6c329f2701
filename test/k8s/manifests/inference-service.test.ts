import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { releaseName } from '../../../domain/names.ts';
import { inferenceServiceManifest, inferenceServiceName } from '../../../k8s/manifests/inference-service.ts';
import type { ReleasePlacement } from '../../../k8s/manifests/release-placement.ts';
import { autoscalerManifest, deploymentManifest, disruptionBudgetManifest } from '../../../k8s/manifests/release.ts';
import { releaseService } from '../../../k8s/manifests/traffic.ts';
import { releaseOf } from '../../builders/releases.ts';

const placement: ReleasePlacement = {
  ...{
    namespace: 'serving',
    image: 'engine@sha256:0',
    command: ['engine'],
    cpu: '2',
    releaseProxyImage: 'release-proxy@sha256:0',
    releaseProxyEnv: {},
    gpus: 1,
    userId: 10_001,
  },
  storage: { claim: 'tuneline', mounts: [{ mountPath: '/store', subPath: 'store' }] },
  replicas: { least: 2, most: 4 },
};
const release = releaseOf('7', { weights: { uri: 'file:///store/model', digest: 'sha256:7' } });
const trial = { smokePrompt: 'hello' };
const { kind, apiVersion, metadata, spec } = inferenceServiceManifest(release, trial, { ...placement, kserve: true });
const ours = deploymentManifest(release, trial, placement);

test('its pods are those of our own Deployment, but for the name by which KServe finds the container that clients reach', () => {
  const { annotations, ...pod } = spec.predictor;
  const template = ours.spec?.template;
  expect({
    ...pod,
    containers: pod.containers.map((container, index) =>
      index === 0 ? { ...container, name: 'release-proxy' } : container,
    ),
  }).toEqual(template?.spec);
  expect(pod.containers.map(({ name }) => name)).toEqual(['kserve-container', 'engine']);
  // KServe puts both on the pods.
  expect(annotations).toEqual(template?.metadata?.annotations);
  expect(metadata.labels).toMatchObject(template?.metadata?.labels ?? {});
});

test('it asks for a Deployment without Knative, an autoscaler or a way in of its own, and is found as a Deployment is', () => {
  expect([apiVersion, kind]).toEqual(['serving.kserve.io/v1beta1', 'InferenceService']);
  expect(metadata).toMatchObject({
    name: releaseName(release),
    namespace: 'serving',
    labels: { 'networking.kserve.io/visibility': 'cluster-local' },
    annotations: {
      'serving.kserve.io/deploymentMode': 'Standard',
      'serving.kserve.io/autoscalerClass': 'external',
      ...ours.metadata?.annotations,
    },
  });
});

test('a name leaves room for the host name that KServe makes of it, and tells releases apart', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/, { size: 'max' }),
      fc.stringMatching(/^[a-z][a-z0-9]{0,35}$/, { size: 'max' }),
      (endpoint, namespace) => {
        const names = [{}, { version: '2' }, { endpoint: `${endpoint}0` }].map((change) =>
          inferenceServiceName(releaseOf('1', { endpoint, ...change }), namespace),
        );
        for (const name of names) {
          expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
          expect(`${name}-predictor-${namespace}`.length).toBeLessThanOrEqual(63);
        }
        expect(new Set(names).size).toBe(names.length);
      },
    ),
  );
});

test('what is made beside it goes when it does, under our name: KServe writes over an autoscaler that has its', () => {
  const owner = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    name: metadata.name ?? '',
    uid: 'its UID',
  };
  const made = {
    ...ours,
    metadata: {
      ...ours.metadata,
      name: `${metadata.name}-predictor`,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
  };
  const beside = [
    autoscalerManifest(made, placement.replicas, placement),
    disruptionBudgetManifest(made),
    releaseService(made),
  ];
  for (const object of beside)
    expect(object.metadata).toMatchObject({ name: releaseName(release), ownerReferences: [owner] });
  expect(beside[0]?.spec).toMatchObject({ scaleTargetRef: { name: `${metadata.name}-predictor` } });
});

import { describe, expect, test } from '@jest/globals';
import { serviceManifest } from '../../../k8s/manifests/service.ts';
import { jobManifest, requestOf, type JobPlacement } from '../../../k8s/manifests/job.ts';
import { jobOf } from '../../contract/jobs.ts';

const placement: JobPlacement = {
  namespace: 'training',
  image: 'jobs@sha256:0',
  gpus: 1,
  env: {},
  graceSeconds: 30,
  userId: 10_001,
};
const request = jobOf({ does: 'sleep' });
const manifest = jobManifest(request, placement);
const container = manifest.spec?.template.spec?.containers[0];

test('whoever finds the Job can read the request back: what to compare, whom to tell', () => {
  expect(manifest.metadata?.name).toBe(request.name);
  expect(requestOf(manifest)).toEqual(request);
  const recorded = { ...request, runId: 'an MLflow run' };
  expect(requestOf(jobManifest(recorded, placement))).toEqual(recorded);
});

test('a Job that someone else made is no request of ours', () => {
  expect(requestOf({ metadata: { name: 'other' }, spec: { template: {} } })).toBeUndefined();
});

test('Kubernetes retries nothing, and an eviction is not a failure', () => {
  expect(manifest.spec).toMatchObject({ backoffLimit: 0, podReplacementPolicy: 'Failed' });
  expect(manifest.spec?.podFailurePolicy?.rules.map(({ action }) => action)).toEqual(['Ignore', 'FailJob']);
  expect(manifest.spec?.podFailurePolicy?.rules[1]?.onExitCodes?.values).toEqual([64, 65, 75]);
});

test('the Pod passes the restricted profile', () => {
  expect(manifest.spec?.template.spec).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect(container?.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
});

test.each([
  [0, undefined],
  [8, { 'nvidia.com/gpu': '8' }],
])('%i GPUs are asked for as limits', (gpus, limits) => {
  expect(jobManifest(request, { ...placement, gpus }).spec?.template.spec?.containers[0]?.resources?.limits).toEqual(
    limits,
  );
});

test('a stage that needs no GPU asks for none, and an own stage runs by its module', () => {
  const score = {
    module: 'team.score',
    usesGpu: false,
    longRunning: false,
    distributed: false,
    outputs: [],
    folders: [],
  } as const;
  const job = jobManifest({ ...request, spec: { stage: 'score' } }, { ...placement, gpus: 8, stages: { score } });
  const [program] = job.spec?.template.spec?.containers ?? [];
  expect(program?.args).toEqual(['team.score']);
  expect(program?.resources).toEqual({});
});

test('the spec goes in by one variable', () => {
  expect(container?.env).toEqual([{ name: 'TUNELINE_JOB', value: JSON.stringify(request.spec) }]);
});

test('of which trace a Job is says an annotation and one variable, and nothing else changes', () => {
  const trace = { parent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', askedAtMs: 1 };
  const traced = jobManifest({ ...request, trace }, placement);
  expect(requestOf(traced)).toEqual({ ...request, trace });
  const [, variable, ...more] = traced.spec?.template.spec?.containers[0]?.env ?? [];
  expect([variable, more]).toEqual([
    {
      name: 'TRACEPARENT',
      value: expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/),
    },
    [],
  ]);
  const { 'tuneline.dev/trace': _note, ...annotations } = traced.metadata?.annotations ?? {};
  expect(annotations).toEqual(manifest.metadata?.annotations);
  expect(traced.metadata?.labels).toEqual(manifest.metadata?.labels);
  const withoutVariable = {
    ...traced,
    metadata: manifest.metadata,
    spec: JSON.parse(JSON.stringify(traced.spec), (_key, value: unknown) =>
      Array.isArray(value) ? value.filter((one) => (one as { name?: string } | null)?.name !== 'TRACEPARENT') : value,
    ) as unknown,
  };
  expect(withoutVariable).toEqual(JSON.parse(JSON.stringify(manifest)));
});

describe('on several nodes', () => {
  const gang = { ...request, spec: { stage: 'tune', nodes: 4 } };
  const made = jobManifest(gang, { ...placement, gpus: 8 });
  const pod = made.spec?.template.spec;

  test('each has a pod that knows its number, and where the first is', () => {
    expect(made.spec).toMatchObject({ completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimit: 0 });
    expect(pod?.subdomain).toBe(gang.name);
    expect(pod?.containers[0]?.resources?.limits).toEqual({ 'nvidia.com/gpu': '8' });
    expect(pod?.containers[0]?.env?.slice(1)).toEqual([
      { name: 'PET_NNODES', value: '4' },
      { name: 'PET_NPROC_PER_NODE', value: '8' },
      { name: 'PET_MASTER_PORT', value: '29500' },
      { name: 'PET_MASTER_ADDR', value: `${gang.name}-0.${gang.name}` },
      {
        name: 'PET_NODE_RANK',
        valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } },
      },
    ]);
    expect(requestOf(made)).toEqual(gang);
  });

  test('the loss of one ends the Job, for the others are lost with it', () => {
    expect(made.spec?.podFailurePolicy?.rules.map(({ action }) => action)).toEqual(['FailJob', 'FailJob']);
  });

  test('a Service of the Job gives the pods their names, ready or not', () => {
    const service = serviceManifest({ ...made, metadata: { ...made.metadata, uid: 'its UID' } });
    expect(service).toMatchObject({
      metadata: {
        name: gang.name,
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: gang.name, uid: 'its UID' }],
      },
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: { 'batch.kubernetes.io/job-name': gang.name },
      },
    });
    expect(service?.metadata?.labels).not.toHaveProperty(['tuneline.dev/open']);
  });

  test('a Job of one pod has neither', () => {
    expect(manifest.spec?.completionMode).toBeUndefined();
    expect(serviceManifest({ ...manifest, metadata: { ...manifest.metadata, uid: 'its UID' } })).toBeUndefined();
  });

  test('of one node with several GPUs, each gets a process', () => {
    const env = jobManifest({ ...request, spec: { stage: 'tune' } }, { ...placement, gpus: 2 }).spec?.template.spec
      ?.containers[0]?.env;
    expect(env?.slice(1).map(({ name, value }) => [name, value])).toEqual([
      ['PET_NNODES', '1'],
      ['PET_NPROC_PER_NODE', '2'],
      ['PET_MASTER_PORT', '29500'],
    ]);
  });
});

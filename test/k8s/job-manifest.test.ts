import { expect, test } from '@jest/globals';
import { jobManifest, requestOf, type JobPlacement } from '../../k8s/manifests/job.ts';
import { jobOf } from '../contract/job-runner.ts';

const placement: JobPlacement = { namespace: 'training', image: 'jobs@sha256:0', gpus: 1, env: {}, graceSeconds: 30, userId: 10_001 };
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
  expect(manifest.spec?.template.spec).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } });
  expect(container?.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
});

test.each([
  [0, undefined],
  [8, { 'nvidia.com/gpu': '8' }],
])('%i GPUs are asked for as limits', (gpus, limits) => {
  expect(jobManifest(request, { ...placement, gpus }).spec?.template.spec?.containers[0]?.resources?.limits).toEqual(limits);
});

test('the spec goes in by one variable', () => {
  expect(container?.env).toEqual([{ name: 'TUNELINE_JOB', value: JSON.stringify(request.spec) }]);
});

import { expect, test } from '@jest/globals';
import { jobManifest, type JobPlacement } from '../../k8s/manifests/job.ts';
import { jobOf } from '../contract/job-runner.ts';

const placement: JobPlacement = { namespace: 'training', image: 'jobs@sha256:0', gpus: 1, env: {} };
const request = jobOf({ does: 'sleep' });
const manifest = jobManifest(request, placement);
const container = manifest.spec?.template.spec?.containers[0];

test('the Job carries what an adopter compares and whom to tell', () => {
  expect(manifest.metadata?.name).toBe(request.name);
  const { workflowId, runId, activityId } = request.owner;
  expect(Object.values(manifest.metadata?.annotations ?? {})).toEqual([request.specDigest, workflowId, runId, activityId]);
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

import { expect, test } from '@jest/globals';
import { jobManifest, requestOf, type JobPlacement } from '../../../k8s/manifests/job.ts';
import { isOfSet, jobNameInSet, jobSetManifest, setNameOf } from '../../../k8s/manifests/job-set.ts';
import { serviceManifest } from '../../../k8s/manifests/service.ts';
import { jobName } from '../../../domain/names.ts';
import { jobOn } from '../../contract/jobs.ts';

const placement: JobPlacement = {
  namespace: 'training',
  image: 'jobs@sha256:0',
  gpus: 8,
  env: {},
  graceSeconds: 30,
  userId: 10_001,
};
const gang = { ...jobOn(4, { does: 'sleep' }), spec: { stage: 'tune', nodes: 4 } };
const made = jobSetManifest(gang, placement);
const [only, ...others] = made.spec.replicatedJobs;
/** As JobSet's controller makes it. */
const itsJob = {
  ...only?.template,
  metadata: {
    ...only?.template.metadata,
    name: `${made.metadata?.name}-${only?.name}-0`,
    uid: 'its UID',
    labels: { ...only?.template.metadata.labels, 'jobset.sigs.k8s.io/jobset-uid': 'uid' },
  },
};

test('a JobSet makes one Job, and never another', () => {
  expect(others).toEqual([]);
  expect(made.spec).toMatchObject({ failurePolicy: { maxRestarts: 0 }, replicatedJobs: [{ replicas: 1 }] });
  expect(itsJob.metadata.name).toBe(jobNameInSet(gang.name));
});

test('its Job is the one that Tuneline would make, but for the names', () => {
  const alone = jobManifest(gang, placement).spec;
  const withNames = JSON.stringify(only?.template.spec).replaceAll(jobNameInSet(gang.name), gang.name);
  expect(JSON.parse(withNames)).toEqual({
    ...alone,
    template: {
      ...alone?.template,
      metadata: {
        ...alone?.template.metadata,
        labels: { ...alone?.template.metadata?.labels, 'tuneline.dev/job': gang.name },
      },
    },
  });
  expect(only?.template.spec.template.spec?.containers[0]?.env).toContainEqual({
    name: 'PET_MASTER_ADDR',
    value: `${jobNameInSet(gang.name)}-0.${setNameOf(gang.name)}`,
  });
});

test('whoever finds its Job can read the request back, under the name that Tuneline gave it', () => {
  expect(isOfSet(itsJob)).toBe(true);
  expect(requestOf(itsJob)).toEqual(gang);
});

test('the JobSet waits in the queue, its Job in none', () => {
  const queued = jobSetManifest(gang, { ...placement, queue: 'gpus' });
  expect([queued.spec.suspend, queued.metadata?.labels?.['kueue.x-k8s.io/queue-name']]).toEqual([true, 'gpus']);
  const template = queued.spec.replicatedJobs[0]?.template;
  expect([template?.spec.suspend, template?.metadata.labels]).toEqual([undefined, only?.template.metadata.labels]);
  expect(made.spec.suspend).toBeUndefined();
});

test('JobSet makes the Service', () => {
  expect(serviceManifest(itsJob)).toBeUndefined();
  expect(made.spec.network).toEqual({ enableDNSHostnames: true, publishNotReadyAddresses: true });
});

test('however long a name is, each pod has one of at most 63 characters, and Jobs are told apart', () => {
  const identity = {
    workflowId: 'a-lifecycle-with-a-name-that-is-longer-than-anyone-needs',
    firstExecutionRunId: 'run',
    stage: 'evaluate',
    attempt: 12,
  };
  const names = [
    identity,
    { ...identity, attempt: 13 },
    { ...identity, stage: 'tune' },
    { ...identity, workflowId: 'another' },
  ].map(jobName);
  for (const name of names) {
    expect(`${jobNameInSet(name)}-999-abcde`.length).toBeLessThanOrEqual(63);
    expect(setNameOf(name)).toMatch(/^[a-z]([a-z0-9-]*[a-z0-9])?$/);
  }
  expect(new Set(names.map(setNameOf)).size).toBe(names.length);
});

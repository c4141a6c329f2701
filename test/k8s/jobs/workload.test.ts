import { describe, expect, test } from '@jest/globals';
import type { V1Job } from '@kubernetes/client-node';
import { queueLabel } from '../../../k8s/names.ts';
import { waitOfWorkload, Workloads, type Workload } from '../../../k8s/jobs/workload.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const condition = (type: string, status: 'True' | 'False', message: string, second = 2) => ({
  type,
  status,
  message,
  lastTransitionTime: at(second).toISOString(),
});
const workloadOf = (...conditions: ReturnType<typeof condition>[]): Workload => ({
  metadata: { creationTimestamp: at(1).toISOString() },
  status: { conditions },
});

const noRoom =
  "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor default, 1 more needed";
const preempted = 'Preempted to accommodate a workload (UID: a, JobUID: b) due to prioritization in the ClusterQueue';
const inactive = 'The workload is deactivated';

describe('what Kueue says of a Job that waits', () => {
  test.each<[string, Workload, string, number]>([
    ['there is no quota', workloadOf(condition('QuotaReserved', 'False', noRoom)), noRoom, 1],
    [
      'its queue does not exist',
      workloadOf(condition('QuotaReserved', 'False', "LocalQueue nowhere doesn't exist")),
      "LocalQueue nowhere doesn't exist",
      1,
    ],
    [
      'it was preempted just now',
      workloadOf(condition('QuotaReserved', 'False', preempted), condition('Evicted', 'True', preempted, 9)),
      preempted,
      9,
    ],
    [
      'it was preempted and has no room',
      workloadOf(condition('QuotaReserved', 'False', noRoom), condition('Evicted', 'True', preempted, 9)),
      `${preempted}; ${noRoom}`,
      9,
    ],
    [
      'it was deactivated',
      workloadOf(condition('QuotaReserved', 'False', inactive), condition('Evicted', 'True', inactive, 9)),
      inactive,
      9,
    ],
    [
      'an eviction is over',
      workloadOf(
        condition('QuotaReserved', 'True', 'Quota reserved in ClusterQueue a'),
        condition('Evicted', 'False', `Previously: ${preempted}`, 9),
      ),
      'Quota reserved in ClusterQueue a',
      1,
    ],
  ])('where %s', (_what, workload, message, second) => {
    expect(waitOfWorkload(workload)).toEqual({ for: 'quota', sinceMs: at(second).getTime(), message });
  });

  test('names the checks that are not through', () => {
    const { metadata, status } = workloadOf(condition('QuotaReserved', 'True', 'Quota reserved in ClusterQueue a'));
    const admissionChecks = [
      { name: 'nodes', state: 'Pending', message: 'being made' },
      { name: 'budget', state: 'Ready', message: 'enough' },
    ];
    expect(waitOfWorkload({ metadata, status: { ...status, admissionChecks } })).toMatchObject({
      message: 'Quota reserved in ClusterQueue a; nodes: being made',
    });
  });

  test('is nothing before it has looked at it', () => {
    expect(waitOfWorkload({ metadata: { creationTimestamp: at(1).toISOString() } })).toBeUndefined();
  });
});

describe('asking Kueue', () => {
  const held: V1Job = {
    metadata: { uid: 'abc', labels: { [queueLabel]: 'gpus' } },
    spec: { template: {}, suspend: true },
  };
  const workload = workloadOf(condition('QuotaReserved', 'False', noRoom));

  function kueueThat(answer: () => Promise<unknown>) {
    const asked: unknown[] = [];
    const custom = {
      listNamespacedCustomObject: (request: object) => {
        asked.push(request);
        return answer();
      },
    };
    return { asked, workloads: new Workloads(custom, 'jobs') };
  }

  test('finds the Workload of the Job', async () => {
    const { asked, workloads } = kueueThat(() => Promise.resolve({ items: [workload] }));
    expect(await workloads.of(held)).toEqual(workload);
    expect(asked).toEqual([
      expect.objectContaining({ namespace: 'jobs', plural: 'workloads', labelSelector: 'kueue.x-k8s.io/job-uid=abc' }),
    ]);
  });

  test('is done once for a Job that has not changed', async () => {
    const { asked, workloads } = kueueThat(() => Promise.resolve({ items: [workload] }));
    await workloads.of(held);
    expect(await workloads.of(held)).toEqual(workload);
    expect(asked).toHaveLength(1);
    await workloads.of({ ...held });
    expect(asked).toHaveLength(2);
  });

  test.each<[string, V1Job]>([
    ['runs', { ...held, spec: { template: {}, suspend: false } }],
    ['was held back by someone else', { ...held, metadata: { uid: 'abc' } }],
  ])('is not done for a Job that %s', async (_what, job) => {
    const { asked, workloads } = kueueThat(() => Promise.resolve({ items: [workload] }));
    expect(await workloads.of(job)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['there is none', () => Promise.reject(Object.assign(new Error('not found'), { code: 404 }))],
    ['it may not be asked', () => Promise.reject(Object.assign(new Error('forbidden'), { code: 403 }))],
    ['it has not seen the Job yet', () => Promise.resolve({ items: [] })],
  ])('gives nothing where %s', async (_what, answer) => {
    expect(await kueueThat(answer).workloads.of(held)).toBeUndefined();
  });
});

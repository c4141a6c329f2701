import { describe, expect, test } from '@jest/globals';
import type { V1Job, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { classifyJob, decisivePod } from '../../../k8s/jobs/classify.ts';
import { annotations, indexAnnotation } from '../../../k8s/names.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const ok = JSON.stringify({ ok: true, outputs: {}, figures: { steps: 3 } });

const jobOf = (status: V1Job['status'] = {}, more: { suspend?: boolean; cancelled?: object } = {}): V1Job => ({
  metadata: {
    name: 'tl',
    creationTimestamp: at(0),
    annotations: more.cancelled ? { [annotations.cancelled]: JSON.stringify(more.cancelled) } : {},
  },
  spec: { template: {}, ...(more.suspend ? { suspend: true } : {}) },
  status,
});
const ended = (type: 'Complete' | 'Failed', reason = '') => ({ conditions: [{ type, status: 'True', reason }] });
const podOf = (status: V1PodStatus, created = 1): V1Pod => ({
  metadata: { name: `tl-${created}`, creationTimestamp: at(created) },
  status,
});
const terminated = (
  exitCode: number,
  message?: string,
  reason = exitCode === 0 ? 'Completed' : 'Error',
): V1PodStatus => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [
    {
      name: 'job',
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, reason, startedAt: at(2), message } },
    },
  ],
});
const disrupted = (reason: string): V1PodStatus => ({
  ...terminated(143),
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'Someone needed the place.' }],
});
const waiting = (reason: string, message = 'it said so'): V1PodStatus => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: at(3) }],
  containerStatuses: [
    { name: 'job', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason, message } } },
  ],
});

describe('a finished Job', () => {
  test('that did its work hands its outcome on', () => {
    expect(classifyJob(jobOf(ended('Complete')), [podOf(terminated(0, ok))])).toEqual({
      phase: 'finished',
      outcome: { kind: 'succeeded', outputs: {}, figures: { steps: 3 } },
    });
  });

  test.each<[string, V1PodStatus, string]>([
    ['exit code 64', terminated(64), 'BadSpec'],
    ['exit code 65', terminated(65), 'BadData'],
    ['exit code 75', terminated(75), 'Unavailable'],
    ['exit code 1', terminated(1), 'Unknown'],
    ['137 by the kernel for memory', terminated(137, undefined, 'OOMKilled'), 'HostOutOfMemory'],
    ['137 by anyone else', terminated(137), 'Evicted'],
    ['the scheduler made room for another', disrupted('PreemptionByScheduler'), 'Preempted'],
    ['an eviction', disrupted('EvictionByEvictionAPI'), 'Evicted'],
    ['its node was drained of it', disrupted('DeletionByTaintManager'), 'NodeLost'],
    ['its node is gone', disrupted('DeletionByPodGC'), 'NodeLost'],
    [
      'the node is short of disk',
      { phase: 'Failed', reason: 'Evicted', message: 'The node was low on ephemeral-storage.' },
      'Evicted',
    ],
    ['the node ended what nobody watched', { phase: 'Failed', reason: 'DeadlineExceeded' }, 'Deadline'],
    ['its command is not in the image', terminated(128, 'exec: "nope": not found', 'StartError'), 'BadConfig'],
    [
      'a failure it reported itself',
      terminated(1, JSON.stringify({ ok: false, failure: { class: 'GpuOutOfMemory', message: 'CUDA' } })),
      'GpuOutOfMemory',
    ],
  ])('after %s is %s', (_what, status, failureClass) => {
    expect(classifyJob(jobOf(ended('Failed')), [podOf(status)])).toMatchObject({
      phase: 'finished',
      outcome: { kind: 'failed', failure: { class: failureClass } },
    });
  });

  test('whose child was killed for memory is no success, however well the rest ended', () => {
    expect(classifyJob(jobOf(ended('Complete')), [podOf({ ...terminated(0, ok, 'OOMKilled') })])).toMatchObject({
      outcome: { failure: { class: 'HostOutOfMemory' } },
    });
  });

  test('that an eviction moved is judged by its last pod', () => {
    const pods = [podOf(terminated(0, ok), 9), podOf(disrupted('EvictionByEvictionAPI'), 1)];
    expect(classifyJob(jobOf(ended('Complete')), pods)).toMatchObject({ outcome: { kind: 'succeeded' } });
  });

  test('whose init container failed is blamed on that one', () => {
    const pod = podOf({
      phase: 'Failed',
      initContainerStatuses: [
        { ...terminated(3).containerStatuses?.[0], name: 'fetch' } as NonNullable<
          V1PodStatus['initContainerStatuses']
        >[number],
      ],
    });
    expect(classifyJob(jobOf(ended('Failed')), [pod])).toMatchObject({
      outcome: { failure: { class: 'BadConfig', message: expect.stringContaining('fetch') } },
    });
  });

  test('that we ended says why, and a success that was faster stays one', () => {
    const cancelled = { cause: 'Deadline', reason: 'too long' };
    expect(classifyJob(jobOf(ended('Failed', 'DeadlineExceeded'), { cancelled }), [])).toEqual({
      phase: 'finished',
      outcome: { kind: 'failed', failure: { class: 'Deadline', message: 'too long' } },
    });
    expect(classifyJob(jobOf(ended('Complete'), { cancelled }), [podOf(terminated(0, ok))])).toMatchObject({
      outcome: { kind: 'succeeded' },
    });
  });

  test.each([true, false])(
    'that we barred before it started is over, too, also where its queue lets it go (suspended: %s)',
    (suspend) => {
      const job = jobOf({}, { suspend, cancelled: { cause: 'Deleted', reason: 'not wanted' } });
      const barred = { ...job, spec: { template: {}, suspend, parallelism: 0 } };
      expect(classifyJob(barred, [])).toMatchObject({ phase: 'finished', outcome: { failure: { class: 'Deleted' } } });
      expect(classifyJob(barred, [podOf({ phase: 'Running' })]).phase).not.toBe('finished');
    },
  );

  test('is not one that its queue took back while we were ending it: it would go on', () => {
    expect(
      classifyJob(jobOf({}, { suspend: true, cancelled: { cause: 'Deleted', reason: 'not wanted' } }), []),
    ).toMatchObject({ phase: 'queued' });
  });

  test('whose pod someone deleted is an eviction', () => {
    expect(classifyJob(jobOf(ended('Failed', 'BackoffLimitExceeded')), [])).toMatchObject({
      outcome: { failure: { class: 'Evicted' } },
    });
  });
});

describe('a Job is not finished', () => {
  test.each<[string, V1PodStatus]>([
    ['while a pod still runs', { phase: 'Running' }],
    ['while its node is out of sight: that is no death', { phase: 'Unknown' }],
  ])('%s, whatever its conditions say', (_when, status) => {
    expect(classifyJob(jobOf(ended('Failed')), [podOf(status)]).phase).not.toBe('finished');
  });

  test('when its pod ended and the controller has not counted it yet', () => {
    expect(classifyJob(jobOf(), [podOf(terminated(0, ok))])).toEqual({ phase: 'running', sinceMs: at(2).getTime() });
  });
});

describe('what a Job waits for', () => {
  test.each<[string, V1Job, V1Pod[], object]>([
    ['its queue', jobOf({}, { suspend: true }), [], { for: 'quota', sinceMs: at(0).getTime() }],
    [
      'a node',
      jobOf(),
      [
        podOf({
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/4 nodes: 4 Insufficient nvidia.com/gpu',
              lastTransitionTime: at(2),
            },
          ],
        }),
      ],
      { for: 'node', sinceMs: at(2).getTime(), message: '0/4 nodes: 4 Insufficient nvidia.com/gpu' },
    ],
    [
      'its image',
      jobOf(),
      [podOf(waiting('ImagePullBackOff'))],
      { for: 'image', sinceMs: at(3).getTime(), message: 'ImagePullBackOff: it said so' },
    ],
    ['an image whose name is none', jobOf(), [podOf(waiting('InvalidImageName'))], { for: 'image', hopeless: true }],
    [
      'its container',
      jobOf(),
      [podOf(waiting('CreateContainerConfigError'))],
      { for: 'start', message: 'CreateContainerConfigError: it said so' },
    ],
  ])('%s', (_what, job, pods, wait) => {
    expect(classifyJob(job, pods)).toMatchObject({ phase: 'queued', wait });
  });

  test('is what Kueue says, where that is known', () => {
    const workload = {
      metadata: { creationTimestamp: at(4).toISOString() },
      status: { conditions: [{ type: 'QuotaReserved', status: 'False', message: 'insufficient unused quota' }] },
    };
    expect(classifyJob(jobOf({}, { suspend: true }), [], workload)).toEqual({
      phase: 'queued',
      wait: { for: 'quota', sinceMs: at(4).getTime(), message: 'insufficient unused quota' },
    });
  });

  describe('once its queue has let it go', () => {
    const resumed = { type: 'Suspended', status: 'False', lastTransitionTime: at(5) };
    const admitted = (...more: string[]): V1Job =>
      jobOf({ startTime: at(5), conditions: [resumed, ...more.map((type) => ({ type, status: 'True' }))] });

    test('is its pod, from then on', () => {
      expect(classifyJob(admitted(), [])).toMatchObject({
        phase: 'queued',
        wait: { for: 'start', sinceMs: at(5).getTime(), message: expect.stringContaining('no pod') },
      });
    });

    test.each<[string, V1Job, V1Pod[]]>([
      [
        'the Job controller has not noticed',
        jobOf({ startTime: at(1), conditions: [{ ...resumed, status: 'True' }] }),
        [],
      ],
      [
        'the pods that were evicted are not replaced yet',
        admitted(),
        [podOf(disrupted('EvictionByEvictionAPI')), podOf(disrupted('EvictionByEvictionAPI'), 2)],
      ],
      ['it is about to fail', admitted('FailureTarget'), []],
      ['it is about to succeed', admitted('SuccessCriteriaMet'), []],
    ])('is nothing while %s', (_what, job, pods) => {
      expect(classifyJob(job, pods)).toEqual({ phase: 'queued' });
    });
  });

  test('is not known while nothing has looked at it', () => {
    expect(classifyJob(jobOf(), [])).toEqual({ phase: 'queued' });
  });
});

describe('a Job on two nodes', () => {
  const gangOf = (...given: Parameters<typeof jobOf>): V1Job => {
    const job = jobOf(...given);
    return { ...job, spec: { template: {}, ...job.spec, completions: 2, completionMode: 'Indexed' } };
  };
  /** The pod of a node, and the second at which its container ended. */
  const nodeOf = (index: number, status: V1PodStatus, endedAt = 9): V1Pod => {
    const given = structuredClone(status);
    for (const { state } of given.containerStatuses ?? [])
      if (state?.terminated) state.terminated.finishedAt = at(endedAt);
    return {
      metadata: {
        name: `tl-${index}-abcde`,
        creationTimestamp: at(1),
        annotations: { [indexAnnotation]: String(index) },
      },
      status: given,
    };
  };
  const running = (second: number): V1PodStatus => ({
    phase: 'Running',
    containerStatuses: [
      {
        name: 'job',
        image: '',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: at(second) } },
      },
    ],
  });
  const says = (failureClass: string, exitCode = 1) =>
    terminated(exitCode, JSON.stringify({ ok: false, failure: { class: failureClass, message: 'it said so' } }));
  const unplaced: V1PodStatus = {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        message: '0/4 nodes: 4 Insufficient nvidia.com/gpu',
        lastTransitionTime: at(2),
      },
    ],
  };

  test('runs since the last of them does', () => {
    expect(classifyJob(gangOf(), [nodeOf(0, running(5)), nodeOf(1, running(7))])).toEqual({
      phase: 'running',
      sinceMs: at(7).getTime(),
    });
  });

  test('still runs when the second has ended and the first writes what was learned', () => {
    expect(classifyJob(gangOf(), [nodeOf(0, running(5)), nodeOf(1, terminated(0, ok))])).toEqual({
      phase: 'running',
      sinceMs: at(5).getTime(),
    });
  });

  test.each<[string, V1PodStatus[], object]>([
    [
      'the one that has no place',
      [running(5), unplaced],
      { for: 'node', message: '0/4 nodes: 4 Insufficient nvidia.com/gpu' },
    ],
    ['a place before an image', [waiting('ImagePullBackOff'), unplaced], { for: 'node' }],
    ['what no time will mend before all', [unplaced, waiting('InvalidImageName')], { for: 'image', hopeless: true }],
  ])('waits while one of them does: for %s', (_what, statuses, wait) => {
    expect(
      classifyJob(
        gangOf(),
        statuses.map((status, index) => nodeOf(index, status)),
      ),
    ).toMatchObject({ phase: 'queued', wait });
  });

  test('waits while one of its pods is not made yet', () => {
    expect(classifyJob(gangOf(), [nodeOf(0, running(5))])).toEqual({ phase: 'queued' });
  });

  test('succeeds with what the first says', () => {
    const nothing = JSON.stringify({ ok: true, outputs: {}, figures: {} });
    expect(
      classifyJob(gangOf(ended('Complete')), [nodeOf(1, terminated(0, nothing)), nodeOf(0, terminated(0, ok))]),
    ).toMatchObject({ outcome: { kind: 'succeeded', figures: { steps: 3 } } });
  });

  test.each<[string, [V1PodStatus, number?], [V1PodStatus, number?], string]>([
    [
      'the loss of the other, which was evicted',
      [says('NodeLost', 75), 3],
      [disrupted('EvictionByEvictionAPI'), 4],
      'Evicted',
    ],
    [
      'whatever else, for the other was preempted',
      [says('Unknown'), 3],
      [disrupted('PreemptionByScheduler'), 9],
      'Preempted',
    ],
    [
      'the loss of the other, which the kernel ended',
      [says('NodeLost', 75), 3],
      [terminated(137, undefined, 'OOMKilled'), 4],
      'HostOutOfMemory',
    ],
    [
      'the loss of the other, which failed by itself',
      [says('NodeLost', 75), 3],
      [says('GpuOutOfMemory'), 4],
      'GpuOutOfMemory',
    ],
    ['an end from outside, for the other crashed', [terminated(143), 3], [terminated(139), 4], 'Unknown'],
    ['its own failure, before the other', [says('BadData', 65), 3], [says('BadSpec', 64), 4], 'BadData'],
    ['its own failure, after the other', [says('BadData', 65), 4], [says('BadSpec', 64), 3], 'BadSpec'],
    ['the stop after a checkpoint, as the other', [terminated(143)], [terminated(143)], 'Evicted'],
    [
      'a memory that a child used up, however well it ended',
      [{ ...terminated(0, ok, 'OOMKilled') }],
      [terminated(0, ok)],
      'HostOutOfMemory',
    ],
  ])('that failed by %s', (_what, first, second, failureClass) => {
    for (const pods of [
      [nodeOf(0, ...first), nodeOf(1, ...second)],
      [nodeOf(0, ...second), nodeOf(1, ...first)],
    ])
      expect(classifyJob(gangOf(ended('Failed')), pods)).toMatchObject({
        phase: 'finished',
        outcome: { kind: 'failed', failure: { class: failureClass } },
      });
  });

  describe('of which an evicted pod left nothing but the word of the Job', () => {
    const message = 'Pod training/tl-1-abcde has condition DisruptionTarget matching FailJob rule at index 0';
    const failed = gangOf({ conditions: [{ type: 'Failed', status: 'True', reason: 'PodFailurePolicy', message }] });

    test.each<[string, V1Pod[]]>([
      ['no other pod', []],
      ['one that lost it', [nodeOf(0, says('NodeLost', 75))]],
      ['one that was ended', [nodeOf(0, terminated(143))]],
      ['the success of the second, which is none of the Job', [nodeOf(1, terminated(0, ok))]],
    ])('and %s was evicted', (_what, pods) => {
      expect(classifyJob(failed, pods)).toEqual({
        phase: 'finished',
        outcome: { kind: 'failed', failure: { class: 'Evicted', message } },
      });
    });

    test('says so in vain where another had failed by itself', () => {
      expect(classifyJob(failed, [nodeOf(0, says('BadData', 65))])).toMatchObject({
        outcome: { failure: { class: 'BadData' } },
      });
    });
  });

  test('of which the first is gone is no success of the second', () => {
    expect(classifyJob(gangOf(ended('Failed')), [nodeOf(1, terminated(0, ok))])).toMatchObject({
      outcome: { failure: { class: 'Evicted' } },
    });
  });

  test('that we ended says why', () => {
    const cancelled = { cause: 'Deadline', reason: 'too long' };
    expect(
      classifyJob(gangOf(ended('Failed'), { cancelled }), [nodeOf(0, terminated(143)), nodeOf(1, terminated(143))]),
    ).toMatchObject({ outcome: { failure: { class: 'Deadline', message: 'too long' } } });
  });

  test('has its log from the one whose end is its own, and until then from the first', () => {
    expect(decisivePod([nodeOf(1, running(5)), nodeOf(0, running(5))])?.metadata?.name).toBe('tl-0-abcde');
    expect(decisivePod([nodeOf(0, says('NodeLost')), nodeOf(1, terminated(139))])?.metadata?.name).toBe('tl-1-abcde');
  });
});

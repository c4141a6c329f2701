import { describe, expect, test } from '@jest/globals';
import type { FailureClass } from '../../../domain/job/failure.ts';
import { classifyEnding, type Ending } from '../../../domain/job/outcome.ts';
import { artifact } from '../../builders/artifacts.ts';

const success = { ok: true, outputs: { model: artifact('model') }, figures: { bleu: 3 } };
const failure = (failureClass: string) => ({ ok: false, failure: { class: failureClass, message: 'It said so.' } });
const deadline = { cause: 'Deadline', reason: 'It ran longer than 5 seconds.' } as const;
const ended = (exitCode: number | undefined, report?: unknown, cancelled?: Ending['cancelled']): Ending => ({
  exitCode,
  message: typeof report === 'string' || report === undefined ? report : JSON.stringify(report),
  cancelled,
});

describe('a success', () => {
  test.each<[string, Ending]>([
    ['that ended well', ended(0, success)],
    ['whose exit code was lost', ended(undefined, success)],
    ['that was cancelled too late', ended(0, success, deadline)],
  ])('%s', (_what, ending) => {
    expect(classifyEnding(ending)).toEqual({
      kind: 'succeeded',
      outputs: { model: artifact('model') },
      figures: { bleu: 3 },
    });
  });
});

describe('a failure', () => {
  test.each<[string, Ending, FailureClass, string]>([
    ['64', ended(64), 'BadSpec', 'exit code 64'],
    ['65', ended(65), 'BadData', 'exit code 65'],
    ['75', ended(75), 'Unavailable', 'exit code 75'],
    ['137', ended(137), 'Evicted', 'exit code 137'],
    ['143', ended(143), 'Evicted', 'exit code 143'],
    ['1', ended(1), 'Unknown', 'exit code 1'],
    ['no exit code', ended(undefined), 'Evicted', 'without an exit code'],
    ['0 without an outcome', ended(0), 'Unknown', 'no outcome'],
    ['0 with half an outcome', ended(0, '{"ok": true, "outp'), 'Unknown', 'no outcome'],
    ['0 with an outcome that is no object', ended(0, 'null'), 'Unknown', 'no outcome'],
    ['0 with a success that lacks its outputs', ended(0, { ok: true, figures: {} }), 'Unknown', 'no outcome'],
    ['0 with a success whose figures are a list', ended(0, { ...success, figures: [] }), 'Unknown', 'no outcome'],
    ['0 with a failure', ended(0, failure('BadData')), 'BadData', 'It said so.'],
    ['a success reported by a process that then failed', ended(1, success), 'Unknown', 'exit code 1'],
    [
      'what the process says over what its exit code says',
      ended(1, failure('GpuOutOfMemory')),
      'GpuOutOfMemory',
      'It said so.',
    ],
    [
      'what the process says over a lost exit code',
      ended(undefined, failure('HostOutOfMemory')),
      'HostOutOfMemory',
      'It said so.',
    ],
    ['that it ended itself, for it got no further', ended(1, failure('Stalled')), 'Stalled', 'It said so.'],
    ['that it lost another process, which only it can know', ended(75, failure('NodeLost')), 'NodeLost', 'It said so.'],
    ['a class that no one knows', ended(1, failure('Sunspots')), 'Unknown', 'It said so.'],
    ['a class that a process can not know of itself', ended(1, failure('Preempted')), 'Unknown', 'It said so.'],
    ['a failure without a message', ended(65, { ok: false, failure: { class: 'Unknown' } }), 'BadData', 'exit code 65'],
    ['cancelled, by its cause', ended(143, undefined, deadline), 'Deadline', 'longer than 5 seconds'],
    [
      'cancelled, whatever it said on the way out',
      ended(75, failure('Unavailable'), deadline),
      'Deadline',
      'longer than 5 seconds',
    ],
    [
      'cancelled before it started',
      ended(undefined, undefined, { cause: 'Deleted', reason: 'Not wanted any more.' }),
      'Deleted',
      'Not wanted',
    ],
  ])('%s', (_what, ending, failureClass, words) => {
    const outcome = classifyEnding(ending);
    expect(outcome).toMatchObject({ kind: 'failed', failure: { class: failureClass } });
    expect(outcome.kind === 'failed' && outcome.failure.message).toContain(words);
  });
});

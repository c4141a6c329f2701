import { expect, test } from '@jest/globals';
import { linesThatMatter } from '../../../domain/job/log-lines.ts';

test.each<[string, string, string[]]>([
  [
    'a stack trace, by what was raised',
    'loading\nTraceback (most recent call last):\n  File "x.py", line 3, in f\n    g()\nValueError: odd\nbye\n',
    ['Traceback (most recent call last):', 'ValueError: odd'],
  ],
  [
    'a crash of native code',
    'step 1\nFatal Python error: Segmentation fault\n',
    ['Fatal Python error: Segmentation fault'],
  ],
  [
    'a full disk',
    'saving\nOSError: [Errno 28] No space left on device\n',
    ['OSError: [Errno 28] No space left on device'],
  ],
  [
    'a hang among GPUs',
    'step 9\n[rank0] NCCL WARN Call to connect timed out\n',
    ['[rank0] NCCL WARN Call to connect timed out'],
  ],
  [
    'a log without an error, by its end',
    Array.from({ length: 9 }, (_, i) => `line ${i + 1}\n`).join(''),
    ['line 5', 'line 6', 'line 7', 'line 8', 'line 9'],
  ],
  ['progress bars say nothing', 'start\n 10%|█         | 1/10\n 20%|██        | 2/10\n', ['start']],
  ['an empty log', '', []],
])('%s', (_what, log, lines) => {
  expect(linesThatMatter(log)).toEqual(lines);
});

test('the newest of many, none longer than a person reads', () => {
  const lines = linesThatMatter(Array.from({ length: 9 }, (_, i) => `error: ${i} ${'x'.repeat(1000)}`).join('\n'));
  expect(lines.map((line) => line.slice(0, 8))).toEqual(['error: 4', 'error: 5', 'error: 6', 'error: 7', 'error: 8']);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(301);
});

import { expect, test } from '@jest/globals';
import { shareReads } from '../../../k8s/jobs/shared-reads.ts';

/** Reads that answer when the test says so. */
function heldReads() {
  const reads: { names: readonly string[]; answer: (answer: string) => void; fail: () => void }[] = [];
  const begun: (() => void)[] = [];
  const share = shareReads((names) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    reads.push({ names, answer: resolve, fail: () => reject(new Error('unreachable')) });
    begun.shift()?.();
    return promise;
  });
  const nextRead = () => new Promise<void>((resolve) => begun.push(resolve));
  return { share, reads, nextRead };
}

test('whoever asks while a read is under way shares the next, and none that began before', async () => {
  const { share, reads, nextRead } = heldReads();
  const first = nextRead();
  const a = share('a');
  await first;
  const second = nextRead();
  const [b, c] = [share('b'), share('c')];
  reads[0]?.answer('first');
  await second;
  reads[1]?.answer('second');
  expect(await Promise.all([a, b, c])).toEqual(['first', 'second', 'second']);
  expect(reads.map(({ names }) => names)).toEqual([['a'], ['b', 'c']]);
});

test('a read that fails, or gets no answer, holds up no other', async () => {
  const { share, reads, nextRead } = heldReads();
  const silent = nextRead();
  void share('silent');
  await silent;
  const failing = nextRead();
  const failed = expect(share('failing')).rejects.toThrow('unreachable');
  await failing;
  const last = nextRead();
  const answered = share('last');
  reads[1]?.fail();
  await failed;
  await last;
  reads[2]?.answer('there');
  expect(await answered).toBe('there');
});

test('one read names no more than fits into its address', async () => {
  const sizes: number[] = [];
  const share = shareReads((names) => {
    sizes.push(names.length);
    return Promise.resolve(names);
  });
  const names = Array.from({ length: 120 }, (_, i) => `job-${i}`);
  const answers = await Promise.all(names.map(share));
  expect(answers.every((answer, i) => answer.includes(names[i] ?? ''))).toBe(true);
  expect(sizes).toEqual([50, 50, 20]);
});

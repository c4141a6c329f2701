import { expect, test } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { JobRecords } from '../../../k8s/jobs/job-record.ts';

/** The record of one Job, whose pods the test may take away. */
function recordsOf(pods: V1Pod[], whole?: Promise<string>) {
  const core = {
    readNamespacedPodLog: ({ name, follow }: { name: string; follow?: boolean }) =>
      (follow && whole) || Promise.resolve(`${name} spoke\n`),
    listNamespacedEvent: () => Promise.resolve({ items: [] }),
  };
  return new JobRecords({
    core,
    namespace: 'default',
    clusterJobs: { objectsOf: () => [], podsOf: () => Promise.resolve(pods) },
  });
}
const podCalled = (name: string, second: number): V1Pod => ({
  metadata: { name, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second)) },
});

test.each([
  ['is kept by whoever reports it', true, 'one spoke\n'],
  ['is not kept by whoever will never report it', false, ''],
])('the log of a pod that goes %s', async (_what, keeps, left) => {
  const pods = [podCalled('one', 1)];
  const records = recordsOf(pods);
  records.keeps = keeps;
  await records.keep('job');
  pods.pop();
  expect(await records.logTail('job', 100)).toBe(left);
});

test('of a Job that moved, each pod is heard under its name, until that was reported', async () => {
  const pods = [podCalled('one', 1)];
  const records = recordsOf(pods);
  records.keeps = true;
  await records.keepLastWords('job', 'one');
  pods.push(podCalled('two', 2));
  expect(await records.logTail('job', 100)).toBe('--- pod one\none spoke\n--- pod two\ntwo spoke\n');
  records.forget('job');
  expect(await records.logTail('job', 100)).toBe('two spoke\n');
});

test('what a pod says last is waited for, though it is gone and nobody watches any more', async () => {
  const { promise: whole, resolve } = Promise.withResolvers<string>();
  const pods = [podCalled('one', 1)];
  const records = recordsOf(pods, whole);
  records.keeps = true;
  void records.keepLastWords('job', 'one');
  // The first of its two reads is over by then.
  await records.keep('job');
  pods.pop();
  records.keeps = false;
  const tail = records.logTail('job', 100);
  resolve('one spoke\nand ended\n');
  expect(await tail).toBe('one spoke\nand ended\n');
});

test('a pod that is never heard to the end does not hold up the report', async () => {
  const pods = [podCalled('one', 1)];
  const records = recordsOf(pods, new Promise(() => undefined));
  records.keeps = true;
  void records.keepLastWords('job', 'one');
  await records.keep('job');
  pods.pop();
  expect(await records.logTail('job', 100)).toBe('one spoke\n');
});

test('what is heard after the Job was reported is kept no more', async () => {
  const { promise: whole, resolve } = Promise.withResolvers<string>();
  const pods = [podCalled('one', 1)];
  const records = recordsOf(pods, whole);
  records.keeps = true;
  const listening = records.keepLastWords('job', 'one');
  await records.keep('job');
  records.forget('job');
  pods.pop();
  resolve('one spoke\nand ended\n');
  await listening;
  expect(await records.logTail('job', 100)).toBe('');
});

import { expect, test } from '@jest/globals';
import { refusal, namespace, jobOf, openApiServerLab } from './api-server-lab.ts';

const lab = openApiServerLab();
const { create, clients } = lab;

test('a lost reply leaves a Job that the next attempt finds', async () => {
  lab.server.setFaults({ resetAfter: 1 });
  await expect(create('one')).rejects.toThrow('fetch failed');
  lab.server.setFaults({ resetBefore: 1 });
  await expect(create('two')).rejects.toThrow('fetch failed');
  lab.server.setFaults({ tooManyRequests: 1 });
  expect(await refusal(create('two'))).toEqual({ code: 429, reason: 'TooManyRequests' });
  lab.server.setFaults({ errorAfter: 1 });
  expect(await refusal(create('two'))).toEqual({ code: 504, reason: 'Timeout' });
  lab.server.setFaults({});
  expect(await refusal(create('one'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(await refusal(create('two'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(lab.server.log.map(({ applied }) => applied)).toEqual([true, false, false, true, false, false]);
});

test('a list from the cache may be older, and says so', async () => {
  lab.server.setFaults({ staleList: 1 });
  await create('one');
  const cached = await clients().batch.listNamespacedJob({ namespace, resourceVersion: '0' });
  expect(cached.items).toEqual([]);
  expect(cached.metadata?.resourceVersion).toBe('1');
  expect((await clients().batch.listNamespacedJob({ namespace })).items).toHaveLength(1);
});

test('the same seed decides the same faults for the same requests, another seed others', async () => {
  const rates = { tooManyRequests: 0.2, serverError: 0.2, resetAfter: 0.2, slow: 0.3, staleList: 0.5 };
  const run = async (seed: number) => {
    lab.server.reset(seed, rates);
    for (let i = 0; i < 10; i++) {
      await create(`job-${i}`).catch(() => undefined);
      await clients()
        .batch.listNamespacedJob({ namespace, resourceVersion: '0' })
        .catch(() => undefined);
      lab.server.controller.step();
    }
    return {
      decisions: [...lab.server.decisions],
      codes: lab.server.log.map(({ code }) => code),
      jobs: lab.server.store.list('pods').map((pod) => pod.metadata.name),
    };
  };
  const first = await run(7);
  expect(first.decisions).toHaveLength(20);
  expect(await run(7)).toEqual(first);
  expect(await run(8)).not.toEqual(first);
});

test('a request for an earlier seed is cut off, and changes nothing', async () => {
  const { batch } = clients();
  lab.server.reset(2);
  await expect(batch.createNamespacedJob({ namespace, body: jobOf('late') })).rejects.toThrow('fetch failed');
  expect(lab.server.store.list('jobs')).toEqual([]);
});

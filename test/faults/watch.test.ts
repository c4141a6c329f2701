import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Watch, type V1Job, type V1JobList } from '@kubernetes/client-node';
import { connectCluster } from '../../k8s/client.ts';
import { Mirror, type Page } from '../../k8s/watch.ts';
import { kubeConfigFor, startFakeApiServer, type FakeApiServer } from './api-server.ts';

const namespace = 'training';
let server: FakeApiServer;

// A second of a watch lasts a millisecond: it ends at once, as it does in earnest after five minutes.
beforeAll(async () => void (server = await startFakeApiServer()));
beforeEach(() => server.reset(1));
afterAll(() => server.close());

/** A mirror that lists anew after each watch; each of its lists is answered when the test says so. */
function mirrorOfJobs(firstPauseMs = 1) {
  const cluster = connectCluster(kubeConfigFor(server.url));
  const asked: { page: Page; answer: (list: Promise<V1JobList>) => void }[] = [];
  const heard: (() => void)[] = [];
  const opened = Promise.withResolvers<undefined>();
  const stop = new AbortController();
  const mirror = new Mirror<V1Job>({
    kubeConfig: cluster.kubeConfig,
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    labelSelector: '',
    list: (page) => {
      const { promise, resolve } = Promise.withResolvers<V1JobList>();
      asked.push({ page, answer: resolve });
      heard.shift()?.();
      return promise;
    },
    onChange: () => undefined,
    onOpen: () => opened.resolve(undefined),
    onError: () => undefined,
    clocks: { inactivityMs: 10_000, relistMs: 1, firstPauseMs, longestPauseMs: firstPauseMs },
  });
  const running = mirror.run(stop.signal);
  return {
    mirror,
    opened: opened.promise,
    kubeConfig: cluster.kubeConfig,
    /** The list that is asked for next, or waits for its answer. */
    async nextList() {
      if (asked.length === 0) await new Promise<void>((resolve) => heard.push(resolve));
      const next = asked.shift();
      if (!next) throw new Error('a list was heard of');
      return {
        refuse: () => next.answer(Promise.reject(new Error('the server is away'))),
        serve: () => next.answer(cluster.batch.listNamespacedJob({ namespace, ...next.page })),
      };
    },
    async stop() {
      stop.abort();
      for (const { answer } of asked) answer(Promise.reject(new Error('over')));
      await running;
    },
  };
}

test('while a watch that ended as it should is followed by the next list, the copy stands; it falls with a list that fails', async () => {
  const { mirror, opened, nextList, stop } = mirrorOfJobs();
  const first = await nextList();
  expect(mirror.live).toBe(false);
  first.serve();
  await opened;
  const second = await nextList();
  expect(mirror.live).toBe(true);
  second.refuse();
  const third = await nextList();
  expect(mirror.live).toBe(false);
  third.refuse();
  await stop();
});

test('a copy that is kept up no more says nothing, wherever it was stopped', async () => {
  const { mirror, opened, kubeConfig, nextList, stop } = mirrorOfJobs(60_000);
  (await nextList()).serve();
  await opened;
  // One that began later, and lasts as long, has ended: then the mirror's own has, and it pauses.
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  await new Watch(kubeConfig).watch(
    `/apis/batch/v1/namespaces/${namespace}/jobs`,
    { timeoutSeconds: 1 },
    () => undefined,
    resolve,
  );
  await ended;
  expect(mirror.live).toBe(true);
  await stop();
  expect(mirror.live).toBe(false);
});

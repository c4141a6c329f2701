import { setTimeout as delay } from 'node:timers/promises';
import { CoordinationV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { whileLeading } from '../../k8s/lease.ts';
import { until } from '../support/until.ts';
import { sharedCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';

const namespace = 'default';
const clocks = { durationMs: 2000, renewMs: 200 };
let cluster: Cluster;
let api: CoordinationV1Api;
beforeAll(async () => {
  cluster = await sharedCluster((message) => void process.stderr.write(`${message}\n`));
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigPath);
  api = config.makeApiClient(CoordinationV1Api);
}, startTimeoutMs);
afterAll(() => cluster.stop());

/** Contenders for one Lease, and who of them leads at each moment. */
function contest(name: string) {
  const leading = new Set<string>();
  const past: string[] = [];
  return {
    leading,
    past,
    join(holder: string, through: CoordinationV1Api = api) {
      const stop = new AbortController();
      const over = whileLeading(
        { api: through, namespace, name, holder, log: () => undefined, clocks },
        stop.signal,
        async (signal) => {
          leading.add(holder);
          past.push(holder);
          // Checked here, for only here none can slip by.
          expect([...leading]).toEqual([holder]);
          await delay(3_600_000, undefined, { signal }).catch(() => undefined);
          leading.delete(holder);
        },
      );
      return {
        leave: () => {
          stop.abort();
          return over;
        },
      };
    },
  };
}

test('of several one leads, and when it leaves another does at once', async () => {
  const { leading, past, join } = contest('handed-over');
  const contenders = new Map(['a', 'b', 'c'].map((holder) => [holder, join(holder)]));
  for (let left = contenders.size; left > 0; left--) {
    await until(() => Promise.resolve(leading.size === 1));
    const [leader = ''] = leading;
    await contenders.get(leader)?.leave();
    contenders.delete(leader);
  }
  expect([...past].sort()).toEqual(['a', 'b', 'c']);
  expect((await api.readNamespacedLease({ namespace, name: 'handed-over' })).spec?.holderIdentity ?? '').toBe('');
});

test.each(['is refused', 'is left waiting'] as const)(
  'one that %s by the API server has stopped before another begins',
  async (how) => {
    const { leading, past, join } = contest(how.replaceAll(' ', '-'));
    const { promise: refusal, reject: refuse } = Promise.withResolvers<never>();
    refusal.catch(() => undefined);
    let reached = true;
    const through = Object.create(api) as CoordinationV1Api;
    through.replaceNamespacedLease = (...args) => (reached ? api.replaceNamespacedLease(...args) : refusal);
    const cutOff = join('cut-off', through);
    await until(() => Promise.resolve(leading.has('cut-off')));
    const other = join('other');
    reached = false;
    if (how === 'is refused') refuse(new Error('no route'));
    await until(() => Promise.resolve(leading.has('other')));
    expect(past).toEqual(['cut-off', 'other']);
    refuse(new Error('timed out'));
    await Promise.all([cutOff.leave(), other.leave()]);
  },
);

test('a leader whose work ends by itself leads again', async () => {
  const stop = new AbortController();
  let terms = 0;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const over = whileLeading(
    { api, namespace, name: 'ended', holder: 'a', log: () => undefined, clocks },
    stop.signal,
    () => {
      terms += 1;
      if (terms === 2) resolve(undefined);
      return Promise.resolve();
    },
  );
  await promise;
  stop.abort();
  await over;
});

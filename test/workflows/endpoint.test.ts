import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, test } from '@jest/globals';
import type { Activities } from '../../activities/index.ts';
import type { EndpointStatus, ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { endpointStatusQuery, releaseSignal, rollbackUpdate, withdrawSignal } from '../../workflows/messages.ts';
import type { redeploy } from '../../workflows/redeploy.ts';
import { fakeActivities, stop, type FakeActivities } from '../builders/activities.ts';
import { candidateOf, releaseOf } from '../builders/releases.ts';
import { aSpec } from '../builders/specs.ts';
import { until } from '../support/until.ts';
import { openWorkflowLab } from '../support/workflow-lab.ts';

const lab = openWorkflowLab();

type Handle = WorkflowHandle<typeof endpoint>;

const request = (version: string, change: Partial<ReleaseRequest> = {}): ReleaseRequest => ({
  id: `ask ${version}`,
  endpoint: 'summaries',
  model: 'summaries',
  version,
  because: 'a test asks',
  ...change,
});
const ask = (handle: Handle, version: string, change: Partial<ReleaseRequest> = {}) =>
  handle.signal(releaseSignal, request(version, change));
const statusOf = (handle: Handle): Promise<EndpointStatus> => handle.query(endpointStatusQuery);

async function ended(handle: Handle, count: number): Promise<readonly ReleaseReply[]> {
  await until(async () => (await statusOf(handle)).ended.length >= count);
  return (await statusOf(handle)).ended;
}

let started = 0;
/** An endpoint's execution that knows what it stood for; ended with the test. */
async function withEndpoint<T>(
  fakes: FakeActivities,
  during: (handle: Handle, taskQueue: string) => Promise<T>,
  servingState: EndpointStatus['servingState'] = {},
): Promise<T> {
  started += 1;
  const name = `endpoint-${started}`;
  return lab.withWorker(name, fakes.activities, async () => {
    const handle = await lab.client.workflow.start<typeof endpoint>('endpoint', {
      taskQueue: name,
      workflowId: name,
      args: [{ endpoint: 'summaries', known: { servingState, queue: [], ended: [] } }],
    });
    try {
      return await during(handle, name);
    } finally {
      await handle.terminate();
    }
  });
}

const servingState = { champion: releaseOf('1') };

/** What an endpoint that stood so says after one request has ended. */
const afterAsking = (
  fakes: FakeActivities,
  version: string,
  before: EndpointStatus['servingState'] = servingState,
): Promise<EndpointStatus> =>
  withEndpoint(
    fakes,
    async (handle) => {
      await ask(handle, version);
      await ended(handle, 1);
      return statusOf(handle);
    },
    before,
  );
/** Where every version asks for these terms. */
const withTerms = (deploy: Parameters<typeof candidateOf>[1], given: Partial<Activities> = {}) =>
  fakeActivities({ readCandidate: ({ version = '1' }) => Promise.resolve(candidateOf({ version }, deploy)), ...given });
const splits = (fakes: FakeActivities) =>
  fakes
    .argumentsOf('splitTraffic')
    .map(([, shares]) => shares.map(({ release, percent }) => `${release.version}: ${percent}`).join(', '));
const refused = { passed: false, requests: 100, findings: [{ rule: 'error rate', passed: false, finding: '50 %' }] };

describe('a release', () => {
  test('that is the first is tried and promoted, without a canary', async () => {
    const fakes = fakeActivities();
    const {
      ended: [reply],
    } = await afterAsking(fakes, '1', {});
    expect(reply).toEqual({
      id: 'ask 1',
      ended: 'promoted',
      release: releaseOf('1'),
      url: 'http://127.0.0.1/summaries',
    });
    expect(fakes.calls.map(({ name }) => name)).toEqual([
      'readCandidate',
      'startRelease',
      'tryRelease',
      'loadTest',
      'applyServingState',
    ]);
    expect(fakes.argumentsOf('applyServingState')).toEqual([
      [{ endpoint: 'summaries', next: { champion: releaseOf('1') }, before: {} }],
    ]);
  });

  test('gets more traffic step by step, is judged after each, and then all; the one before becomes previous', async () => {
    const fakes = withTerms({ canary: { steps: [5, 25, 60], bakeSeconds: 0.1 } });
    const status = await afterAsking(fakes, '2');
    expect(splits(fakes)).toEqual(['2: 5, 1: 95', '2: 25, 1: 75', '2: 60, 1: 40']);
    const judged = fakes.argumentsOf('checkCanary');
    expect(judged.map(([canary, current]) => [canary.version, current.version])).toEqual(
      Array.from({ length: 3 }, () => ['2', '1']),
    );
    // Each step is judged on its own time.
    const [first = 0, second = 0] = judged.map(([, , sinceMs]) => sinceMs);
    expect(second - first).toBeGreaterThanOrEqual(100);
    expect(status.servingState).toEqual({ champion: releaseOf('2'), previous: releaseOf('1') });
    expect(status.rollingOut).toBeUndefined();
  });

  test.each<[string, Partial<Activities>, string]>([
    [
      'does not start',
      { startRelease: () => Promise.reject(ApplicationFailure.nonRetryable('It said nothing.', 'SmokeTestError')) },
      'It said nothing.',
    ],
    [
      'fails a trial',
      { tryRelease: () => Promise.resolve([{ rule: 'golden prompts', passed: false, finding: '1 of 2' }]) },
      'golden prompts: 1 of 2',
    ],
    [
      'fails its load test',
      { loadTest: () => Promise.resolve([{ rule: 'p95', passed: false, finding: '900 ms' }]) },
      'p95: 900 ms',
    ],
    [
      'is shown to be worse as a canary',
      { checkCanary: () => Promise.resolve(refused) },
      'as a canary with 10 % of the requests: error rate: 50 %',
    ],
    [
      'can not be promoted',
      {
        applyServingState: ({ next }) =>
          next.champion?.version === '2'
            ? Promise.reject(ApplicationFailure.nonRetryable('The version was deleted.'))
            : Promise.resolve(''),
      },
      'The version was deleted.',
    ],
  ])('that %s is refused, and what was before is put back', async (_what, given, reason) => {
    const fakes = withTerms({ canary: { steps: [10], bakeSeconds: 0.1 } }, given);
    const status = await afterAsking(fakes, '2');
    expect(status.ended).toEqual([{ id: 'ask 2', ended: 'refused', reason }]);
    expect(status.servingState).toEqual(servingState);
    expect(fakes.argumentsOf('applyServingState').at(-1)).toEqual([
      { endpoint: 'summaries', next: servingState, before: { champion: releaseOf('2'), previous: releaseOf('1') } },
    ]);
    expect(fakes.argumentsOf('noteRefusal')).toEqual([['summaries', '2', reason]]);
  });

  test('has a worker that dies noticed in seconds, whatever is done at that moment', async () => {
    const fakes = withTerms(
      { canary: { steps: [10], bakeSeconds: 0.1 } },
      { checkCanary: () => Promise.resolve(refused) },
    );
    const events = await withEndpoint(
      fakes,
      async (handle) => {
        await ask(handle, '2');
        await ended(handle, 1);
        return (await handle.fetchHistory()).events ?? [];
      },
      servingState,
    );
    const patience = events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled ? [[scheduled.activityType?.name, Number(scheduled.heartbeatTimeout?.seconds)]] : [],
    );
    expect(patience.map(([name]) => name)).toEqual(fakes.calls.map(({ name }) => name));
    expect(patience.filter(([, seconds]) => seconds !== 15)).toEqual([]);
  });

  test('that has too few requests to be judged bakes on, and is refused in the end', async () => {
    const fakes = withTerms(
      { canary: { steps: [10], bakeSeconds: 0.1, minimumRequests: 50 } },
      { checkCanary: () => Promise.resolve({ passed: true, requests: 49, findings: [] }) },
    );
    const {
      ended: [reply],
    } = await afterAsking(fakes, '2');
    expect(fakes.argumentsOf('checkCanary')).toHaveLength(10);
    expect(reply).toMatchObject({
      ended: 'refused',
      reason: expect.stringContaining(
        'it had 49 requests, too few to be judged; deploy.canary.minimumRequests asks for 50',
      ),
    });
  });

  test('that is served already changes nothing but mends what disagrees', async () => {
    const fakes = fakeActivities();
    const {
      ended: [reply],
    } = await afterAsking(fakes, '1');
    expect(reply).toMatchObject({ ended: 'unchanged', release: releaseOf('1') });
    expect(fakes.calls.map(({ name }) => name)).toEqual(['readCandidate', 'applyServingState']);
  });

  test.each<[string, Partial<Activities>, string]>([
    [
      'that no gate passed',
      {
        readCandidate: () =>
          Promise.reject(ApplicationFailure.nonRetryable('Version 9 of summaries passed no gate.', 'NotReleasable')),
      },
      'Version 9 of summaries passed no gate.',
    ],
    [
      'that other hands registered, or that is gone',
      { readCandidate: () => Promise.resolve(undefined) },
      'champion names no version of summaries.',
    ],
  ])('%s is refused, and the alias put back where it was', async (_what, given, reason) => {
    const fakes = fakeActivities(given);
    const { version: _none, ...follow } = request('9');
    const status = await withEndpoint(
      fakes,
      async (handle) => {
        await handle.signal(releaseSignal, follow);
        await ended(handle, 1);
        return statusOf(handle);
      },
      servingState,
    );
    expect(status).toMatchObject({ servingState, ended: [{ ended: 'refused', reason }] });
    expect(fakes.argumentsOf('applyServingState')).toEqual([
      [{ endpoint: 'summaries', next: servingState, before: servingState, model: 'summaries' }],
    ]);
    expect(fakes.argumentsOf('noteRefusal')).toEqual([['summaries', undefined, reason]]);
    expect(fakes.argumentsOf('startRelease')).toEqual([]);
  });
});

describe('requests', () => {
  test('are taken one after the other in the order they came, and one that is sent twice once', async () => {
    const held = stop();
    const fakes = withTerms(
      { canary: { steps: [] } },
      { startRelease: (release) => (release.version === '2' ? held.hold() : Promise.resolve()) },
    );
    const { waiting, replies } = await withEndpoint(
      fakes,
      async (handle) => {
        for (const version of ['2', '3', '4', '3', '2']) await ask(handle, version);
        await held.reached;
        const whileHeld = await statusOf(handle);
        held.release();
        await ended(handle, 3);
        // Even after it has ended.
        await ask(handle, '3');
        return { waiting: whileHeld, replies: await ended(handle, 3) };
      },
      servingState,
    );
    expect(waiting).toMatchObject({
      rollingOut: { request: { id: 'ask 2' }, step: 'starting' },
      queue: [{ id: 'ask 3' }, { id: 'ask 4' }],
    });
    expect(replies.map(({ id, ended: how }) => `${id} ${how}`)).toEqual([
      'ask 2 promoted',
      'ask 3 promoted',
      'ask 4 promoted',
    ]);
    expect(fakes.argumentsOf('startRelease').map(([{ version }]) => version)).toEqual(['2', '3', '4']);
  });

  test('that are taken back never start, or are put back', async () => {
    const held = stop();
    const fakes = withTerms(
      {},
      { startRelease: (release) => (release.version === '2' ? held.hold() : Promise.resolve()) },
    );
    const replies = await withEndpoint(
      fakes,
      async (handle) => {
        for (const version of ['2', '3']) await ask(handle, version);
        await held.reached;
        for (const version of ['3', '2']) await handle.signal(withdrawSignal, `ask ${version}`);
        held.release();
        return ended(handle, 2);
      },
      servingState,
    );
    expect(replies).toMatchObject([
      { id: 'ask 3', ended: 'withdrawn' },
      { id: 'ask 2', ended: 'withdrawn' },
    ]);
    expect(fakes.argumentsOf('startRelease')).toHaveLength(1);
    expect(fakes.argumentsOf('applyServingState')).toMatchObject([[{ next: servingState }]]);
    // Who took them back said nothing against the versions.
    expect(fakes.argumentsOf('noteRefusal')).toEqual([]);
  });

  test('that are taken back before they come never start, and hear so when they do', async () => {
    const fakes = fakeActivities();
    const replies = await withEndpoint(fakes, async (handle) => {
      await handle.signal(withdrawSignal, 'ask 2');
      await ask(handle, '2');
      await ask(handle, '1');
      return ended(handle, 2);
    });
    expect(replies.map(({ id, ended: how }) => `${id} ${how}`)).toEqual(['ask 2 withdrawn', 'ask 1 promoted']);
    expect(fakes.argumentsOf('startRelease').map(([{ version }]) => version)).toEqual(['1']);
  });

  test('of a redeploy are answered to it, however late', async () => {
    const fakes = withTerms({ canary: { steps: [50], bakeSeconds: 0.1 } });
    const result = await withEndpoint(
      {
        ...fakes,
        activities: {
          ...fakes.activities,
          askEndpoint: async (asked) =>
            lab.client.workflow.getHandle<typeof endpoint>(`endpoint-${started}`).signal(releaseSignal, asked),
        },
      },
      (_handle, taskQueue) =>
        lab.client.workflow.execute<typeof redeploy>('redeploy', {
          taskQueue,
          workflowId: `redeploy-${started}`,
          args: [{ endpoint: 'summaries', model: 'summaries', version: '2' }],
        }),
      servingState,
    );
    expect(result).toMatchObject({ ended: 'promoted', release: { version: '2' } });
    expect(fakes.argumentsOf('splitTraffic')).toHaveLength(1);
  });
});

describe('a person rolls back', () => {
  const back = { requester: 'Grace', because: 'it is rude' };

  test('what is served: the one before is served at once, and nobody goes back to what was bad', async () => {
    const fakes = fakeActivities();
    const { said, status } = await withEndpoint(
      fakes,
      async (handle) => {
        const answer = await handle.executeUpdate(rollbackUpdate, { args: [back] });
        await ended(handle, 1);
        return { said: answer, status: await statusOf(handle) };
      },
      { champion: releaseOf('2'), previous: releaseOf('1') },
    );
    expect(said).toBe('version 1 of summaries is served again in a moment');
    expect(status.servingState).toEqual({ champion: releaseOf('1') });
    expect(fakes.argumentsOf('noteRefusal')).toEqual([['summaries', '2', 'Grace rolled back: it is rude']]);
    for (const name of ['tryRelease', 'loadTest', 'splitTraffic'] as const) expect(fakes.argumentsOf(name)).toEqual([]);
  });

  test('a canary, which ends at once', async () => {
    const fakes = withTerms({ canary: { steps: [10], bakeSeconds: 604_800 } });
    const status = await withEndpoint(
      fakes,
      async (handle) => {
        await ask(handle, '2');
        await until(async () => (await statusOf(handle)).rollingOut?.step === 'canary');
        await handle.executeUpdate(rollbackUpdate, { args: [back] });
        await ended(handle, 1);
        return statusOf(handle);
      },
      servingState,
    );
    expect(status).toMatchObject({
      servingState,
      ended: [{ ended: 'withdrawn', reason: 'Grace rolled back: it is rude' }],
    });
    expect(fakes.argumentsOf('noteRefusal')).toEqual([['summaries', '2', 'Grace rolled back: it is rude']]);
  });

  test.each([
    ['There is nothing to go back to', back],
    ['Say who rolls back, and why', { requester: '', because: 'x' }],
  ])('and hears: %s', async (words, given) => {
    const refusal = await withEndpoint(
      fakeActivities(),
      (handle) => handle.executeUpdate(rollbackUpdate, { args: [given] }).catch((error: unknown) => error),
      servingState,
    );
    expect(refusal).toMatchObject({ cause: { message: expect.stringContaining(words) } });
  });
});

describe('what is served is watched between roll-outs', () => {
  const first = candidateOf({ version: '2' });
  const served = {
    ...first,
    terms: {
      ...first.terms,
      spec: aSpec({ monitor: { windowMinutes: 0.001 }, deploy: { endpoint: 'summaries', canary: { steps: [] } } }),
    },
  };
  const breach = (then: 'rollback' | 'retrain') =>
    ({ rule: 'errorRate', then, sinceMs: 0, because: '12 % of 200 failed' }) as const;
  const breached = (then: 'rollback' | 'retrain') => ({
    requests: 200,
    closed: true,
    state: { errorRate: { recent: [], breach: breach(then) } },
    begun: [breach(then)],
    ended: [],
  });
  const watch = (fakes: FakeActivities, during: (handle: Handle) => Promise<unknown>) =>
    withEndpoint(
      fakes,
      async (handle) => {
        await ask(handle, '2');
        await during(handle);
        return statusOf(handle);
      },
      { champion: releaseOf('1') },
    );

  test('and a breach that asks for it brings back what was before, once', async () => {
    const fakes = fakeActivities({
      readCandidate: ({ version = '1' }) => Promise.resolve(version === '2' ? served : candidateOf({ version })),
      observeWindow: () => Promise.resolve(breached('rollback')),
    });
    const status = await watch(fakes, (handle) => ended(handle, 2));
    expect(status.servingState).toEqual({ champion: releaseOf('1') });
    expect(status.ended.map(({ ended: how }) => how)).toEqual(['promoted', 'promoted']);
    expect(fakes.argumentsOf('tellTeam')).toHaveLength(1);
  });

  test('and one that asks for a better model starts a lifecycle with the spec that the release came with', async () => {
    const fakes = fakeActivities({
      readCandidate: () => Promise.resolve(served),
      observeWindow: () => Promise.resolve(breached('retrain')),
    });
    await watch(fakes, async () => {
      const retraining = lab.client.workflow.getHandle('retrain-summaries');
      await until(() =>
        retraining.describe().then(
          ({ status }) => status.name === 'RUNNING' || status.name === 'COMPLETED',
          () => false,
        ),
      );
      await retraining.terminate().catch(() => undefined);
    });
    expect(fakes.argumentsOf('checkSpec')).toMatchObject([[{ requester: 'monitor', model: 'summaries' }]]);
  });
});

test('an execution that starts anew finds what the one before left, and mends it first', async () => {
  const fakes = withTerms({ canary: { steps: [] } }, { readServingState: () => Promise.resolve(servingState) });
  const status = await lab.withWorker('anew', fakes.activities, async () => {
    const { workflow } = lab.client;
    const handle = await workflow.signalWithStart<typeof endpoint, [ReleaseRequest]>('endpoint', {
      taskQueue: 'anew',
      workflowId: 'anew',
      args: [{ endpoint: 'summaries' }],
      signal: releaseSignal,
      signalArgs: [request('2')],
    });
    await ended(handle, 1);
    const last = await statusOf(handle);
    await handle.terminate();
    return last;
  });
  expect(fakes.calls.slice(0, 3).map(({ name }) => name)).toEqual([
    'readServingState',
    'applyServingState',
    'readCandidate',
  ]);
  expect(status.servingState).toEqual({ champion: releaseOf('2'), previous: releaseOf('1') });
});

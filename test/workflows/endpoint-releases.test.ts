import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from '@jest/globals';
import type { Activities } from '../../activities/index.ts';
import { releaseSignal } from '../../workflows/messages.ts';
import { fakeActivities } from '../builders/activities.ts';
import { releaseOf } from '../builders/releases.ts';
import {
  ask,
  ended,
  openEndpointExecutions,
  refused,
  request,
  servingState,
  splits,
  statusOf,
  withTerms,
} from './endpoint-executions.ts';

const { withEndpoint, afterAsking } = openEndpointExecutions();

describe('the endpoint', () => {
  test('promotes the first release after its trials, without a canary', async () => {
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

  test('gives a release more traffic step by step, judges it after each step, and keeps the earlier one as previous', async () => {
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
  ])('refuses a release that %s, and puts the earlier one back', async (_what, given, reason) => {
    const fakes = withTerms({ canary: { steps: [10], bakeSeconds: 0.1 } }, given);
    const status = await afterAsking(fakes, '2');
    expect(status.ended).toEqual([{ id: 'ask 2', ended: 'refused', reason }]);
    expect(status.servingState).toEqual(servingState);
    expect(fakes.argumentsOf('applyServingState').at(-1)).toEqual([
      { endpoint: 'summaries', next: servingState, before: { champion: releaseOf('2'), previous: releaseOf('1') } },
    ]);
    expect(fakes.argumentsOf('noteRefusal')).toEqual([['summaries', '2', reason]]);
  });

  test('gives every activity a heartbeat timeout, so that a dead worker is noticed in seconds', async () => {
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

  test('prolongs a canary with too few requests, and refuses it in the end', async () => {
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

  test('mends what disagrees, and changes nothing else, where the release is served already', async () => {
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
  ])('refuses a version %s, and puts the alias back', async (_what, given, reason) => {
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

import { describe, expect, test } from '@jest/globals';
import { rollbackUpdate } from '../../workflows/messages.ts';
import { fakeActivities, type FakeActivities } from '../builders/activities.ts';
import { candidateOf, releaseOf } from '../builders/releases.ts';
import { aSpec } from '../builders/specs.ts';
import { until } from '../support/until.ts';
import {
  ask,
  ended,
  openEndpointExecutions,
  servingState,
  statusOf,
  withTerms,
  type Handle,
} from './endpoint-executions.ts';

const { lab, withEndpoint } = openEndpointExecutions();

describe('a rollback by a person', () => {
  const back = { requester: 'Grace', because: 'it is rude' };

  test('serves the previous release at once, and forgets the bad one', async () => {
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

  test('ends a running canary at once', async () => {
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
  ])('is refused with the reason: %s', async (words, given) => {
    const refusal = await withEndpoint(
      fakeActivities(),
      (handle) => handle.executeUpdate(rollbackUpdate, { args: [given] }).catch((error: unknown) => error),
      servingState,
    );
    expect(refusal).toMatchObject({ cause: { message: expect.stringContaining(words) } });
  });
});

describe('the endpoint between roll-outs', () => {
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

  test('rolls back once on a breach that asks for a rollback', async () => {
    const fakes = fakeActivities({
      readCandidate: ({ version = '1' }) => Promise.resolve(version === '2' ? served : candidateOf({ version })),
      observeWindow: () => Promise.resolve(breached('rollback')),
    });
    const status = await watch(fakes, (handle) => ended(handle, 2));
    expect(status.servingState).toEqual({ champion: releaseOf('1') });
    expect(status.ended.map(({ ended: how }) => how)).toEqual(['promoted', 'promoted']);
    expect(fakes.argumentsOf('tellTeam')).toHaveLength(1);
  });

  test('starts a lifecycle with the spec of the release on a breach that asks for retraining', async () => {
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

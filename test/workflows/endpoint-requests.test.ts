import { describe, expect, test } from '@jest/globals';
import type { ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { releaseSignal, withdrawSignal } from '../../workflows/messages.ts';
import type { redeploy } from '../../workflows/redeploy.ts';
import { fakeActivities, stop } from '../builders/activities.ts';
import { releaseOf } from '../builders/releases.ts';
import {
  ask,
  ended,
  openEndpointExecutions,
  request,
  servingState,
  statusOf,
  withTerms,
} from './endpoint-executions.ts';

const { lab, withEndpoint } = openEndpointExecutions();

describe('the endpoint', () => {
  test('handles requests one at a time in the order in which they came, and a repeated one once', async () => {
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

  test('does not start a withdrawn request, and rolls back one that has started', async () => {
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
    // A withdrawal says nothing against the version.
    expect(fakes.argumentsOf('noteRefusal')).toEqual([]);
  });

  test('ends a request that was withdrawn before it came, without a start', async () => {
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

  test('answers the redeploy that asked', async () => {
    const fakes = withTerms({ canary: { steps: [50], bakeSeconds: 0.1 } });
    let asking = '';
    const result = await withEndpoint(
      {
        ...fakes,
        activities: {
          ...fakes.activities,
          askEndpoint: async (asked) =>
            lab.client.workflow.getHandle<typeof endpoint>(asking).signal(releaseSignal, asked),
        },
      },
      (handle, taskQueue) => {
        asking = handle.workflowId;
        return lab.client.workflow.execute<typeof redeploy>('redeploy', {
          taskQueue,
          workflowId: `redeploy-${taskQueue}`,
          args: [{ endpoint: 'summaries', model: 'summaries', version: '2' }],
        });
      },
      servingState,
    );
    expect(result).toMatchObject({ ended: 'promoted', release: { version: '2' } });
    expect(fakes.argumentsOf('splitTraffic')).toHaveLength(1);
  });
});

test('an execution that starts anew reads the state that the earlier one left, and mends it first', async () => {
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

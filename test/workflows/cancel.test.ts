import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CompleteAsyncError } from '@temporalio/activity';
import type { Activities } from '../../activities/index.ts';
import type { ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import { fakeActivities, scriptedJobs, stop } from '../builders/activities.ts';
import { specInput } from '../builders/specs.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { startDevServer } from '../support/temporal.ts';
import {
  failureOf,
  type LifecycleHandle,
  LifecycleLab,
  promotedReply,
  untilCancelIsSeen,
  untilReviewIsAwaited,
} from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  // No time has to pass here, and the server that skips it now and then keeps a cancelled lifecycle waiting.
  const server = await startDevServer();
  await ensureSearchAttributes(server.client);
  lab = await LifecycleLab.open(Promise.resolve(server));
});
afterAll(() => lab.close());

const cancelled = { cause: { name: 'CancelledFailure' } };

test('cancelled while a Job runs, that Job is ended before the run is closed', async () => {
  const tuning = stop();
  const fakes = fakeActivities({
    // As the real one does: made, and left to run.
    runJob: (job) => {
      if (job.spec.stage !== 'tune') return scriptedJobs()(job);
      tuning.reach();
      throw new CompleteAsyncError();
    },
  });
  const failure = await lab.run(fakes.activities, specInput(), async (handle) => {
    await tuning.reached;
    await handle.cancel();
    return failureOf(handle);
  });

  expect(failure).toMatchObject(cancelled);
  const tuned = fakes.argumentsOf('runJob').at(-1)?.[0];
  expect(fakes.argumentsOf('cancelJob')).toEqual([[tuned?.identity]]);
  expect(fakes.calls.slice(-2).map(({ name }) => name)).toEqual(['cancelJob', 'closeLifecycle']);
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'KILLED']]);
});

test('cancelled while a review is awaited, the run is closed and nothing is registered', async () => {
  const fakes = fakeActivities();
  const failure = await lab.run(fakes.activities, specInput({ review: { by: 'person' } }), async (handle) => {
    await untilReviewIsAwaited(handle);
    await handle.cancel();
    return failureOf(handle);
  });

  expect(failure).toMatchObject(cancelled);
  for (const name of ['cancelJob', 'closeReview', 'registerVersion'] as const)
    expect(fakes.argumentsOf(name)).toEqual([]);
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'KILLED']]);
});

/** Holds the lifecycle up in one activity, cancels it there, and lets it go on once it knows. */
async function cancelDuring(
  name: keyof Activities,
  replyOf: (request: ReleaseRequest) => ReleaseReply = (request) => promotedReply(request),
) {
  const held = stop();
  const fakes = fakeActivities({}, (call) => (call.name === name ? held.hold() : Promise.resolve()));
  const during = async (handle: LifecycleHandle): Promise<unknown> => {
    await held.reached;
    await handle.cancel();
    await untilCancelIsSeen(handle);
    held.release();
    return failureOf(handle);
  };
  const ending = await lab.run(fakes.activities, specInput(), during, replyOf);
  return { fakes, ending, called: fakes.calls.map((call) => call.name) };
}

test('cancelled while its run is opened, that run is closed and no Job is made', async () => {
  const { fakes, ending } = await cancelDuring('openLifecycle');
  expect(ending).toMatchObject(cancelled);
  expect(fakes.argumentsOf('runJob')).toEqual([]);
  expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'KILLED']]);
});

describe('a deploy that is cancelled happens wholly or not at all', () => {
  test('not at all, if it had only come to the registration', async () => {
    const { fakes, ending, called } = await cancelDuring('registerVersion');
    expect(ending).toMatchObject(cancelled);
    for (const later of ['askEndpoint', 'recordRelease']) expect(called).not.toContain(later);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'KILLED']]);
  });

  test('not at all, if the endpoint could take the request back', async () => {
    const { fakes, ending, called } = await cancelDuring('askEndpoint', ({ id }) => ({
      id,
      ended: 'withdrawn',
      reason: 'in time',
    }));
    expect(ending).toMatchObject(cancelled);
    expect(called.slice(called.indexOf('askEndpoint'))).toEqual([
      'askEndpoint',
      'withdrawRelease',
      'askEndpoint',
      'closeLifecycle',
    ]);
    expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'KILLED']]);
  });

  test.each(['askEndpoint', 'recordRelease', 'closeLifecycle'] as const)(
    'wholly, if it had come to %s and the endpoint promoted it',
    async (name) => {
      const { fakes, ending, called } = await cancelDuring(name);
      expect(called.slice(-2)).toEqual(['recordRelease', 'closeLifecycle']);
      expect(ending).toMatchObject({ verdict: 'promoted', version: '1' });
      expect(fakes.argumentsOf('closeLifecycle')).toEqual([['parent-run', 'FINISHED', 'promoted']]);
    },
  );
});

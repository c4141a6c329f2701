import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LifecycleStatus } from '../../domain/lifecycle/lifecycle.ts';
import { jobWaitSignal, statusQuery } from '../../workflows/messages.ts';
import { fakeActivities, scriptedJobs, stop, type Call } from '../builders/activities.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab, type LifecycleHandle } from './lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

test('the status tells the stage, what is finished and what the gate found, at every point', async () => {
  const seen: [Call['name'], LifecycleStatus][] = [];
  let handle: LifecycleHandle | undefined;
  const fakes = fakeActivities({}, async ({ name }) => {
    // While a local activity runs no query is answered.
    if (handle && name !== 'checkSpec') seen.push([name, await handle.query(statusQuery)]);
  });
  const last = await lab.run(fakes.activities, specInput(), async (started) => {
    handle = started;
    await started.result();
    return started.query(statusQuery);
  });

  const shown = seen.map(
    ([name, { stage, finished }]) => `${name}: ${stage} after ${finished.map((f) => f.stage).join(' ') || 'nothing'}`,
  );
  expect(shown).toEqual([
    'openLifecycle: check after nothing',
    'runJob: explore after nothing',
    'runJob: prepare after explore',
    'runJob: tune after explore prepare',
    'findChampion: tune after explore prepare tune',
    'runJob: evaluate after explore prepare tune',
    'readEvidence: evaluate after explore prepare tune evaluate',
    'recordVerdict: evaluate after explore prepare tune evaluate',
    'registerVersion: deploy after explore prepare tune evaluate',
    'askEndpoint: deploy after explore prepare tune evaluate',
    'recordRelease: deploy after explore prepare tune evaluate',
    'closeLifecycle: done after explore prepare tune evaluate',
  ]);
  const statusAt = (name: Call['name']) => seen.find(([at]) => at === name)?.[1];
  expect(statusAt('openLifecycle')).toMatchObject({ model: 'summaries', attempt: 1 });
  expect(statusAt('openLifecycle')?.runId).toBeUndefined();
  expect(statusAt('runJob')).toMatchObject({ runId: 'parent-run' });
  expect(statusAt('readEvidence')?.gate).toBeUndefined();
  expect(statusAt('recordVerdict')?.gate).toMatchObject({ passed: true });
  expect(last).toMatchObject({ stage: 'done', gate: { passed: true } });
});

test('what a Job waits for is shown while it waits, and remembered with the stage', async () => {
  const [waiting, told] = [stop(), stop()];
  const fakes = fakeActivities({
    runJob: async (job) => {
      if (job.spec.stage === 'tune') await waiting.hold();
      if (job.spec.stage === 'evaluate') await told.hold();
      return scriptedJobs()(job);
    },
  });
  const wait = { for: 'node' as const, sinceMs: 0, message: '0/4 nodes are available: 4 Insufficient nvidia.com/gpu' };
  const result = await lab.run(fakes.activities, specInput(), async (handle) => {
    await waiting.reached;
    await handle.signal(jobWaitSignal, { stage: 'tune', wait });
    expect(await handle.query(statusQuery)).toMatchObject({ stage: 'tune', waiting: wait });
    expect(await handle.query<string>('__temporal_workflow_metadata')).toMatchObject({
      currentDetails: expect.stringContaining(
        'waits for a node: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu (since 1970-01-01T00:00:00.000Z)',
      ),
    });
    await handle.signal(jobWaitSignal, { stage: 'tune' });
    expect((await handle.query(statusQuery)).waiting).toBeUndefined();
    waiting.release();
    await told.reached;
    // Sent while the Job ended, and come too late.
    await handle.signal(jobWaitSignal, { stage: 'tune', wait });
    expect((await handle.query(statusQuery)).waiting).toBeUndefined();
    told.release();
    await handle.result();
    return handle.query(statusQuery);
  });
  expect(result.finished.map(({ stage, waitedFor }) => [stage, waitedFor])).toEqual([
    ['explore', undefined],
    ['prepare', undefined],
    ['tune', 'waits for a node: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu'],
    ['evaluate', undefined],
  ]);
});

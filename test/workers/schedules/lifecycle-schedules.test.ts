import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/activity';
import type { Activities } from '../../../activities/index.ts';
import { createScheduleActivities } from '../../../activities/schedules.ts';
import type { LifecycleSpecInput } from '../../../domain/spec/lifecycle-spec.ts';
import { taskQueue } from '../../../workers/config.ts';
import {
  applySchedule,
  backfillSchedule,
  createSchedules,
  listSchedules,
  triggerSchedule,
  viewSchedule,
} from '../../../workers/schedules/lifecycle-schedules.ts';
import { fakeActivities, stop } from '../../builders/activities.ts';
import { between, evidenceOf } from '../../builders/evidence.ts';
import { specInput } from '../../builders/specs.ts';
import { until } from '../../support/until.ts';
import { openScheduleLab, schedule } from './schedule-lab.ts';

const lab = openScheduleLab();
const { whileWorking, ended, triggered } = lab;

test('a schedule starts a lifecycle of its spec, with itself as the requester', async () => {
  await applySchedule(lab.client, schedule('starts', { skip: 'never' }));
  const given: unknown[] = [];
  const first = await whileWorking(
    { checkSpec: (raw) => (given.push(raw), fakeActivities().activities.checkSpec(specInput())) },
    async () => {
      const workflowId = await triggered('starts');
      expect(await ended(workflowId)).toMatchObject({ verdict: 'promoted' });
      return workflowId;
    },
  );
  expect(first).toMatch(/^starts-\d{4}-/);
  // A schedule of another test may be due meanwhile.
  const own = given.filter((raw) => (raw as LifecycleSpecInput).requester === 'schedule starts');
  expect(own).toEqual([{ requester: 'schedule starts', ...specInput(), skip: 'never' }]);
  expect(await viewSchedule(lab.client, 'starts')).toMatchObject({
    paused: false,
    next: expect.stringMatching(/-01-01T03:00:00/),
    failuresInARow: 0,
    started: [{ workflowId: first, ending: 'promoted' }],
  });
});

test('a schedule leaves out a start while its lifecycle runs', async () => {
  await applySchedule(lab.client, schedule('overlaps'));
  const opening = stop();
  const { openLifecycle } = fakeActivities().activities;
  await whileWorking({ openLifecycle: (...args) => opening.hold().then(() => openLifecycle(...args)) }, async () => {
    const first = await triggered('overlaps');
    await opening.reached;
    expect(await triggerSchedule(lab.client, 'overlaps')).toBeUndefined();
    expect(await viewSchedule(lab.client, 'overlaps')).toMatchObject({
      skippedByOverlap: 1,
      started: [{ workflowId: first, ending: 'running' }],
    });
    opening.release();
    await ended(first);
  });
});

test('a schedule starts another lifecycle while one runs where its policy allows that', async () => {
  await applySchedule(lab.client, schedule('overlapping', { overlap: 'allowAll' }));
  const opening = stop();
  const { openLifecycle } = fakeActivities().activities;
  await whileWorking({ openLifecycle: (...args) => opening.hold().then(() => openLifecycle(...args)) }, async () => {
    const first = await triggered('overlapping');
    await opening.reached;
    const second = await triggered('overlapping');
    opening.release();
    for (const workflowId of [first, second]) expect(await ended(workflowId)).toMatchObject({ verdict: 'promoted' });
  });
});

test('a paused schedule starts nothing by itself, and starts when a person triggers it', async () => {
  await applySchedule(lab.client, schedule('paused'));
  await lab.client.schedule.getHandle('paused').pause('for the audit');
  expect(await viewSchedule(lab.client, 'paused')).toMatchObject({ paused: true, pausedBecause: 'for the audit' });
  expect(await viewSchedule(lab.client, 'paused')).not.toHaveProperty('next');
  await whileWorking({}, async () =>
    expect(await ended(await triggered('paused'))).toMatchObject({ verdict: 'promoted' }),
  );
});

describe('failures in a row', () => {
  const bad = ApplicationFailure.nonRetryable('The spec was refused: 1 field is wrong.\nmore', 'BadSpec');
  /** Triggers the schedule once for each of `fails`, one after another; a lifecycle fails where it is true. */
  async function run(id: string, ...fails: boolean[]): Promise<string[]> {
    const ids: string[] = [];
    const { checkSpec } = fakeActivities().activities;
    for (const fail of fails) {
      const given = {
        ...createScheduleActivities({ schedules: createSchedules(lab.client) }),
        checkSpec: fail ? () => Promise.reject(bad) : checkSpec,
      };
      ids.push(
        await whileWorking(given, async () => {
          const workflowId = await triggered(id);
          await ended(workflowId);
          return workflowId;
        }),
      );
    }
    return ids;
  }

  test('pause a schedule as soon as they are as many as it says, and it says why', async () => {
    await applySchedule(lab.client, schedule('failing', { pauseAfterFailures: 2 }));
    await run('failing', true);
    expect(await viewSchedule(lab.client, 'failing')).toMatchObject({
      paused: false,
      failuresInARow: 1,
      pauseAfterFailures: 2,
      started: [{ ending: 'failed', reason: 'The spec was refused: 1 field is wrong.' }],
    });
    const [second] = await run('failing', true);
    expect(await viewSchedule(lab.client, 'failing')).toMatchObject({
      paused: true,
      pausedBecause: `2 failed in a row, ${String(second)} the last: The spec was refused: 1 field is wrong.`,
      failuresInARow: 2,
    });
  });

  test('begin anew with one that did not fail', async () => {
    await applySchedule(lab.client, schedule('recovering', { pauseAfterFailures: 2 }));
    await run('recovering', true, false, true);
    expect(await viewSchedule(lab.client, 'recovering')).toMatchObject({ paused: false, failuresInARow: 1 });
  });

  test('pause nothing where nobody said so', async () => {
    await applySchedule(lab.client, schedule('unwatched'));
    await run('unwatched', true);
    expect(await viewSchedule(lab.client, 'unwatched')).toMatchObject({ paused: false, failuresInARow: 1 });
  });

  test('do not count one that a person cancelled', async () => {
    await applySchedule(lab.client, schedule('cancelled', { pauseAfterFailures: 1 }));
    const opening = stop();
    const given = {
      ...createScheduleActivities({ schedules: createSchedules(lab.client) }),
      findUnchanged: () => opening.hold().then(() => undefined),
    };
    await whileWorking(given, async () => {
      const workflowId = await triggered('cancelled');
      await opening.reached;
      await lab.client.workflow.getHandle(workflowId).cancel();
      await ended(workflowId);
    });
    expect(await viewSchedule(lab.client, 'cancelled')).toMatchObject({
      paused: false,
      failuresInARow: 0,
      started: [{ ending: 'cancelled' }],
    });
  });
});

test('a backfill runs the lifecycles of past times one after another', async () => {
  await applySchedule(lab.client, schedule('late', { cron: '0 3 * * *' }));
  let [open, most] = [0, 0];
  const { openLifecycle, closeLifecycle } = fakeActivities().activities;
  const counting: Partial<Activities> = {
    openLifecycle: (...args) => ((most = Math.max(most, (open += 1))), openLifecycle(...args)),
    closeLifecycle: (...args) => ((open -= 1), closeLifecycle(...args)),
  };
  await whileWorking(counting, async () => {
    const times = await backfillSchedule(lab.client, 'late', {
      from: new Date('2026-11-01T00:00Z'),
      to: new Date('2026-11-04T00:00Z'),
    });
    expect(times.map((time) => time.toISOString())).toEqual([
      '2026-11-01T03:00:00.000Z',
      '2026-11-02T03:00:00.000Z',
      '2026-11-03T03:00:00.000Z',
    ]);
    const { started } = await until(async () => {
      const view = await viewSchedule(lab.client, 'late');
      return view.started.length === 3 && view.started.every(({ ending }) => ending === 'promoted') ? view : undefined;
    });
    expect(started.map(({ workflowId }) => workflowId)).toEqual([
      'late-2026-11-03T03:00:00Z',
      'late-2026-11-02T03:00:00Z',
      'late-2026-11-01T03:00:00Z',
    ]);
  });
  expect(most).toBe(1);
});

test('the list shows each schedule with the outcome of its last start', async () => {
  await applySchedule(lab.client, schedule('refuses'));
  const refused = await whileWorking(
    { readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(1, 2) } })) },
    async () => {
      const workflowId = await triggered('refuses');
      await ended(workflowId);
      return workflowId;
    },
  );
  await lab.client.schedule.create({
    scheduleId: 'not-ours',
    spec: {},
    action: { type: 'startWorkflow', workflowType: 'reconcile', taskQueue, args: [] },
  });
  const listed = await until(async () => {
    const views = await listSchedules(lab.client);
    return views.some(({ id }) => id === 'refuses') ? views : undefined;
  });
  expect(listed.find(({ id }) => id === 'refuses')).toMatchObject({
    paused: false,
    failuresInARow: 0,
    started: [{ workflowId: refused, ending: 'rejected' }],
  });
  expect(listed.map(({ id }) => id)).not.toContain('not-ours');
  await lab.client.schedule.getHandle('refuses').delete();
  expect((await listSchedules(lab.client)).map(({ id }) => id)).not.toContain('refuses');
});

import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import type { Activities } from '../../../activities/index.ts';
import { createScheduleActivities } from '../../../activities/schedules.ts';
import type { LifecycleSpecInput } from '../../../domain/spec/lifecycle-spec.ts';
import { checkScheduleSpec, type ScheduleSpecInput } from '../../../domain/spec/schedule-spec.ts';
import { taskQueue } from '../../../workers/config.ts';
import {
  applySchedule,
  backfillSchedule,
  createSchedules,
  listSchedules,
  triggerSchedule,
  viewSchedule,
} from '../../../workers/schedules/lifecycle-schedules.ts';
import type { LifecycleSchedule } from '../../../workers/schedules/schedule-options.ts';
import { ensureSearchAttributes } from '../../../workers/search-attributes.ts';
import { fakeActivities, stop } from '../../builders/activities.ts';
import { between, evidenceOf } from '../../builders/evidence.ts';
import { specInput } from '../../builders/specs.ts';
import { releaseEndedSignal } from '../../../workflows/messages.ts';
import { bundleWorkflows, createWorker, startDevServer } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { promotedReply } from '../../workflows/lifecycle-lab.ts';

let server: TestWorkflowEnvironment;
let client: Client;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  server = await startDevServer();
  client = server.client;
  await ensureSearchAttributes(client);
  workflowBundle = await bundleWorkflows();
});
afterAll(() => server.teardown());

/** Once a year, so that nothing starts by itself. */
function schedule(id: string, change: Partial<ScheduleSpecInput> = {}): LifecycleSchedule {
  const spec = { ...specInput() };
  const checked = checkScheduleSpec({ id, spec, cron: '0 3 1 1 *', ...change });
  if (checked.ok) return { ...checked.schedule, spec };
  throw new Error(JSON.stringify(checked.problems));
}

/** In place of the endpoint's execution. */
const releaseAtOnce: Activities['askEndpoint'] = (request) =>
  client.workflow
    .getHandle(activityInfo().workflowExecution?.workflowId ?? '')
    .signal(releaseEndedSignal, promotedReply(request));

/** Keeps a worker for the lifecycles that schedules start. */
async function whileWorking<T>(given: Partial<Activities>, during: () => Promise<T>): Promise<T> {
  const worker = await createWorker(server, {
    taskQueue,
    workflowBundle,
    activities: fakeActivities({ askEndpoint: releaseAtOnce, ...given }).activities,
  });
  return worker.runUntil(during);
}

const ended = (workflowId: string) => client.workflow.result(workflowId).catch((error: unknown) => error);

let startedAtSecond = 0;
const secondNow = (): number => Math.floor(Date.now() / 1000);

/** Temporal names what a schedule starts by the second, so that each takes one of its own. */
async function triggered(id: string): Promise<string> {
  await until(() => Promise.resolve(secondNow() > startedAtSecond));
  startedAtSecond = secondNow() + 1;
  const workflowId = await triggerSchedule(client, id);
  if (workflowId === undefined) throw new Error('nothing was started');
  return workflowId;
}

describe('a schedule is applied', () => {
  const timetables: readonly [string, Partial<ScheduleSpecInput>][] = [
    ['a cron', { cron: '*/10 8-18 * jan-jun 1-5' }],
    ['a calendar', { cron: undefined, calendar: { dayOfWeek: ['sunday'], hour: [3], minute: [30, 45], month: [12] } }],
    ['each minute of a calendar', { cron: '* * * * *', timeZone: 'Europe/Berlin' }],
    ['an interval', { cron: undefined, interval: { everyMinutes: 1440, offsetMinutes: 90 } }],
    [
      'everything else',
      { jitterSeconds: 60, overlap: 'bufferOne', catchUpMinutes: 5, pauseAfterFailures: 3, skip: 'never', note: 'why' },
    ],
  ];

  test.each(timetables)('by %s: made once, and then left alone', async (name, change) => {
    const wanted = schedule(name.replaceAll(' ', '-'), change);
    expect(await applySchedule(client, wanted)).toBe('created');
    expect(await applySchedule(client, wanted)).toBe('unchanged');
    expect((await client.schedule.getHandle(wanted.id).describe()).info.lastUpdatedAt).toBeUndefined();
  });

  test.each<[string, Partial<ScheduleSpecInput>]>([
    ...timetables,
    ['another spec', { spec: {} }],
    ['a time zone', { timeZone: 'Asia/Tokyo' }],
    ['a note', { note: 'another' }],
  ])('what %s changes is changed, and a pause stays', async (name, change) => {
    const id = `changed-${name.replaceAll(' ', '-')}`;
    await applySchedule(client, schedule(id));
    const handle = client.schedule.getHandle(id);
    await handle.pause('a person');
    const wanted = { ...schedule(id, change), ...(change.spec ? { spec: specInput({ model: 'another' }) } : {}) };
    expect(await applySchedule(client, wanted)).toBe('changed');
    expect(await applySchedule(client, wanted)).toBe('unchanged');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'a person' });
  });

  test.each<[string, Partial<ScheduleSpecInput>, RegExp]>([
    ['a cron', { cron: '45 3 1 jan *' }, /-01-01T03:45:00/],
    [
      'a calendar',
      { cron: undefined, calendar: { dayOfMonth: [1], hour: [3], minute: [30, 45], month: [1] } },
      /-01-01T03:30:00/,
    ],
  ])('%s starts at the times that it names', async (name, change, first) => {
    const { id } = schedule(`times-of-${name.replaceAll(' ', '-')}`);
    await applySchedule(client, schedule(id, change));
    expect(await viewSchedule(client, id)).toMatchObject({ next: expect.stringMatching(first) });
  });

  test('what somebody changed in Temporal is put back', async () => {
    const wanted = schedule('edited');
    await applySchedule(client, wanted);
    await client.schedule
      .getHandle('edited')
      .update((there) => ({ ...there, spec: { intervals: [{ every: '1 hour' }] } }));
    expect(await applySchedule(client, wanted)).toBe('changed');
    expect(await applySchedule(client, wanted)).toBe('unchanged');
  });
});

test('what it starts is a lifecycle of its spec, asked for by the schedule', async () => {
  await applySchedule(client, schedule('starts', { skip: 'never' }));
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
  expect(await viewSchedule(client, 'starts')).toMatchObject({
    paused: false,
    next: expect.stringMatching(/-01-01T03:00:00/),
    failuresInARow: 0,
    started: [{ workflowId: first, ending: 'promoted' }],
  });
});

test('while one runs, another is left out', async () => {
  await applySchedule(client, schedule('overlaps'));
  const opening = stop();
  const { openLifecycle } = fakeActivities().activities;
  await whileWorking({ openLifecycle: (...args) => opening.hold().then(() => openLifecycle(...args)) }, async () => {
    const first = await triggered('overlaps');
    await opening.reached;
    expect(await triggerSchedule(client, 'overlaps')).toBeUndefined();
    expect(await viewSchedule(client, 'overlaps')).toMatchObject({
      skippedByOverlap: 1,
      started: [{ workflowId: first, ending: 'running' }],
    });
    opening.release();
    await ended(first);
  });
});

test('and where the policy lets them overlap, it starts', async () => {
  await applySchedule(client, schedule('overlapping', { overlap: 'allowAll' }));
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

test('one that is paused starts nothing by itself, and still when told to', async () => {
  await applySchedule(client, schedule('paused'));
  await client.schedule.getHandle('paused').pause('for the audit');
  expect(await viewSchedule(client, 'paused')).toMatchObject({ paused: true, pausedBecause: 'for the audit' });
  expect(await viewSchedule(client, 'paused')).not.toHaveProperty('next');
  await whileWorking({}, async () =>
    expect(await ended(await triggered('paused'))).toMatchObject({ verdict: 'promoted' }),
  );
});

describe('failures in a row', () => {
  const bad = ApplicationFailure.nonRetryable('The spec was refused: 1 field is wrong.\nmore', 'BadSpec');
  /** Triggers it once for each, one after another, with a worker whose lifecycles fail or not. */
  async function run(id: string, ...fails: boolean[]): Promise<string[]> {
    const ids: string[] = [];
    const { checkSpec } = fakeActivities().activities;
    for (const fail of fails) {
      const given = {
        ...createScheduleActivities({ schedules: createSchedules(client) }),
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
    await applySchedule(client, schedule('failing', { pauseAfterFailures: 2 }));
    await run('failing', true);
    expect(await viewSchedule(client, 'failing')).toMatchObject({
      paused: false,
      failuresInARow: 1,
      pauseAfterFailures: 2,
      started: [{ ending: 'failed', reason: 'The spec was refused: 1 field is wrong.' }],
    });
    const [second] = await run('failing', true);
    expect(await viewSchedule(client, 'failing')).toMatchObject({
      paused: true,
      pausedBecause: `2 failed in a row, ${String(second)} the last: The spec was refused: 1 field is wrong.`,
      failuresInARow: 2,
    });
  });

  test('begin anew with one that did not fail', async () => {
    await applySchedule(client, schedule('recovering', { pauseAfterFailures: 2 }));
    await run('recovering', true, false, true);
    expect(await viewSchedule(client, 'recovering')).toMatchObject({ paused: false, failuresInARow: 1 });
  });

  test('pause nothing where nobody said so', async () => {
    await applySchedule(client, schedule('unwatched'));
    await run('unwatched', true);
    expect(await viewSchedule(client, 'unwatched')).toMatchObject({ paused: false, failuresInARow: 1 });
  });

  test('do not count one that a person cancelled', async () => {
    await applySchedule(client, schedule('cancelled', { pauseAfterFailures: 1 }));
    const opening = stop();
    const given = {
      ...createScheduleActivities({ schedules: createSchedules(client) }),
      findUnchanged: () => opening.hold().then(() => undefined),
    };
    await whileWorking(given, async () => {
      const workflowId = await triggered('cancelled');
      await opening.reached;
      await client.workflow.getHandle(workflowId).cancel();
      await ended(workflowId);
    });
    expect(await viewSchedule(client, 'cancelled')).toMatchObject({
      paused: false,
      failuresInARow: 0,
      started: [{ ending: 'cancelled' }],
    });
  });
});

test('a time that is over is made up for, one lifecycle after another', async () => {
  await applySchedule(client, schedule('late', { cron: '0 3 * * *' }));
  let [open, most] = [0, 0];
  const { openLifecycle, closeLifecycle } = fakeActivities().activities;
  const counting: Partial<Activities> = {
    openLifecycle: (...args) => ((most = Math.max(most, (open += 1))), openLifecycle(...args)),
    closeLifecycle: (...args) => ((open -= 1), closeLifecycle(...args)),
  };
  await whileWorking(counting, async () => {
    const times = await backfillSchedule(client, 'late', {
      from: new Date('2026-11-01T00:00Z'),
      to: new Date('2026-11-04T00:00Z'),
    });
    expect(times.map((time) => time.toISOString())).toEqual([
      '2026-11-01T03:00:00.000Z',
      '2026-11-02T03:00:00.000Z',
      '2026-11-03T03:00:00.000Z',
    ]);
    const { started } = await until(async () => {
      const view = await viewSchedule(client, 'late');
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

test('the list shows each, with what came of its last start', async () => {
  await applySchedule(client, schedule('refuses'));
  const refused = await whileWorking(
    { readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(1, 2) } })) },
    async () => {
      const workflowId = await triggered('refuses');
      await ended(workflowId);
      return workflowId;
    },
  );
  await client.schedule.create({
    scheduleId: 'not-ours',
    spec: {},
    action: { type: 'startWorkflow', workflowType: 'reconcile', taskQueue, args: [] },
  });
  const listed = await until(async () => {
    const views = await listSchedules(client);
    return views.some(({ id }) => id === 'refuses') ? views : undefined;
  });
  expect(listed.find(({ id }) => id === 'refuses')).toMatchObject({
    paused: false,
    failuresInARow: 0,
    started: [{ workflowId: refused, ending: 'rejected' }],
  });
  expect(listed.map(({ id }) => id)).not.toContain('not-ours');
  await client.schedule.getHandle('refuses').delete();
  expect((await listSchedules(client)).map(({ id }) => id)).not.toContain('refuses');
});

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { ObservedWindow } from '../../activities/monitoring.ts';
import type { Breach, BreachState } from '../../domain/monitoring/breach.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import type { Candidate } from '../../domain/endpoint/roll-out.ts';
import { breachAttribute } from '../../workflows/search-attributes.ts';
import { fakeActivities } from '../builders/activities.ts';
import { candidateOf } from '../builders/releases.ts';
import { aSpec } from '../builders/specs.ts';
import { bundleWorkflows, createWorker, startTimeSkipping } from '../support/temporal.ts';
import type { Watch, Watched, watches } from './fixtures/watches.ts';

let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  workflowBundle = await bundleWorkflows({ source: new URL('fixtures/watches.ts', import.meta.url) });
});
// One for each test: after a child that outlives its parent, this server skips no time any more.
beforeEach(async () => {
  environment = await startTimeSkipping();
});
afterEach(() => environment.teardown());

const minuteMs = 60_000;
/** How long the lifecycle takes that the monitor starts. */
const takes = (maximumSeconds: number): Partial<LifecycleSpecInput> => ({ tune: { steps: 1, maximumSeconds } });
let ran = 0;

function served(version = '1', change: Partial<LifecycleSpecInput> = {}, endpoint = 'summaries'): Candidate {
  const { release, terms } = candidateOf({ model: 'summaries', version });
  return {
    release: { ...release, endpoint },
    terms: { ...terms, spec: aSpec({ monitor: { windowMinutes: 30 }, ...change }) },
  };
}

const errors: Breach = { rule: 'errorRate', then: 'rollback', sinceMs: 0, because: 'errors' };
const drift: Breach = { rule: 'inputDrift', then: 'retrain', sinceMs: 0, because: 'drift' };
const slow: Breach = { rule: 'latencyP95Ms', then: 'alarm', sinceMs: 0, because: 'slow <@all>' };
const standing = (...breaches: readonly Breach[]): BreachState =>
  Object.fromEntries(breaches.map((breach) => [breach.rule, { recent: [], breach }]));
const seen = (change: Partial<ObservedWindow> = {}): ObservedWindow => ({
  requests: 100,
  closed: true,
  state: {},
  begun: [],
  ended: [],
  ...change,
});

const drifting = [seen({ state: standing(drift), begun: [drift] }), seen({ state: standing(drift) })];

/** Watches what is served while the windows show this, one after the other, the last for good; and what was asked and said. */
async function watched(
  watch: Watch,
  windows: readonly (ObservedWindow | Error)[] = [seen()],
  given: Partial<Activities> = {},
) {
  const answers = [...windows];
  const observeWindow: Activities['observeWindow'] = () => {
    const next = answers.length > 1 ? answers.shift() : answers[0];
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? seen());
  };
  const fakes = fakeActivities({ observeWindow, ...given });
  const taskQueue = `watches-${(ran += 1)}`;
  const { client } = environment;
  const worker = await createWorker(environment, { taskQueue, workflowBundle, activities: fakes.activities });
  return worker.runUntil(async () => {
    const result: Watched = await client.workflow.execute<typeof watches>('watches', {
      taskQueue,
      workflowId: taskQueue,
      args: [watch],
    });
    const { typedSearchAttributes } = await client.workflow.getHandle(taskQueue).describe();
    // This server skips no time while one waits for a worker that has gone: none is left behind.
    const lifecycles: unknown[] = await Promise.all(
      result.started.flatMap((id) => (id === null ? [] : [client.workflow.getHandle(id).result()])),
    );
    const { events } = await client.workflow.getHandle(taskQueue).fetchHistory();
    const closePolicies = (events ?? []).flatMap(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.parentClosePolicy ?? [],
    );
    return {
      ...result,
      lifecycles,
      closePolicies,
      attribute: typedSearchAttributes.get(breachAttribute),
      observed: fakes.argumentsOf('observeWindow').map(([asked]) => asked),
      opened: fakes.argumentsOf('openMonitoring'),
      told: fakes.argumentsOf('tellTeam').map(([text]) => text),
    };
  });
}

describe('windows', () => {
  test('follow each other without a gap, and the next execution goes on with them', async () => {
    const first = await watched({ served: [served(), served()] });
    // What looking took is part of the next window.
    for (const ms of first.waitedMs) expect(Math.round(Number(ms) / minuteMs)).toBe(30);
    const [a, b] = first.observed.map(({ bounds }) => bounds);
    expect(a).toMatchObject({ index: 0, untilMs: expect.any(Number) });
    expect(b).toMatchObject({ index: 1, sinceMs: a?.untilMs });
    expect(first.opened).toHaveLength(1);

    const next = await watched({ served: [served()], kept: first.state });
    expect(next.observed[0]?.bounds).toMatchObject({ index: 2, sinceMs: b?.untilMs });
    expect(next.opened).toEqual([]);
  });

  test('of too few requests go on', async () => {
    const { observed } = await watched({ served: [served(), served()] }, [seen({ closed: false }), seen()]);
    expect(observed[1]?.bounds).toMatchObject({ index: 0, sinceMs: observed[0]?.bounds.sinceMs });
    expect(observed[1]?.bounds.untilMs).toBeGreaterThan(observed[0]?.bounds.untilMs ?? Infinity);
  });

  test('begin anew with another release, and what was breached is forgotten', async () => {
    const { observed, opened, attribute } = await watched({ served: [served(), served('2')] }, [
      seen({ state: standing(slow), begun: [slow] }),
      seen(),
    ]);
    expect(observed.map(({ release, bounds, state }) => [release.version, bounds.index, state])).toEqual([
      ['1', 0, {}],
      ['2', 0, {}],
    ]);
    expect(opened).toHaveLength(2);
    expect(attribute).toBeUndefined();
  });

  test('are none where the spec asks for none, nor where nothing is served', async () => {
    const { monitor: _none, ...spec } = aSpec();
    const unwatched = { ...served(), terms: { ...served().terms, spec } };
    expect(await watched({ served: [unwatched, null] })).toMatchObject({
      observed: [],
      actions: [null, null],
      waitedMs: [null, null],
    });
  });

  test('are hours where only an age is watched', async () => {
    const { monitor: _none, ...spec } = aSpec({ refresh: { maximumAgeDays: 30 } });
    expect((await watched({ served: [{ ...served(), terms: { ...served().terms, spec } }] })).waitedMs).toEqual([
      60 * minuteMs,
    ]);
  });
});

describe('a breach', () => {
  test('is said to people once, kept as an attribute, and its end, too', async () => {
    const { told, actions, attribute, details } = await watched({ served: [served(), served()] }, [
      seen({ state: standing(slow), begun: [slow] }),
      seen({ state: standing(slow) }),
    ]);
    expect(actions).toEqual([{ kind: 'alarm', because: 'slow <@all>' }, null]);
    expect(told).toEqual([
      'summaries (summaries version 1): latencyP95Ms is breached; nothing is done about it. slow &lt;@all&gt;',
    ]);
    expect(attribute).toBe('latencyP95Ms');
    expect(details).toEqual([
      'Watched: 2 windows, 100 requests in the last',
      '- **latencyP95Ms** (alarm) — slow <@all>',
    ]);

    const over = await watched({ served: [served()] }, [seen({ ended: [slow] })]);
    expect(over).toMatchObject({
      actions: [null],
      told: [
        'summaries (summaries version 1): latencyP95Ms is within its limit again, breached since 1970-01-01T00:00:00.000Z.',
      ],
    });
    expect(over.attribute).toBeUndefined();
  });

  test('that rolls back comes before one that retrains', async () => {
    const both = standing(errors, drift);
    const { actions } = await watched({ served: Array.from({ length: 3 }, () => served('1', takes(60))) }, [
      seen({ state: both, begun: [drift, errors] }),
      seen({ state: both }),
      seen(),
    ]);
    expect(actions).toEqual([{ kind: 'rollback', because: 'errors' }, { kind: 'retrain', because: 'drift' }, null]);
  });
});

describe('a lifecycle is started', () => {
  test("with the release's spec, in the monitor's name, and outlives who started it", async () => {
    const { started, lifecycles, closePolicies } = await watched({ served: [served('1', {}, 'outlived')] }, drifting);
    expect(started).toEqual(['retrain-outlived']);
    expect(lifecycles).toEqual(['monitor']);
    // This server ends no child with its parent, whatever is asked: 2 is to abandon it.
    expect(closePolicies).toEqual([2]);
    expect(await (await environment.client.workflow.getHandle('retrain-outlived').describe()).staticDetails()).toBe(
      'drift',
    );
  });

  test('not again before the cool-down is over, and then as long as the breach stands', async () => {
    const { actions, lifecycles } = await watched(
      {
        served: Array.from({ length: 4 }, () =>
          served('1', { refresh: { coolDownHours: 0.75 }, ...takes(60) }, 'cooling'),
        ),
      },
      drifting,
    );
    expect(actions.map((action) => action?.kind ?? null)).toEqual(['retrain', null, 'retrain', null]);
    expect(lifecycles).toEqual(['monitor', 'monitor']);
  });

  test('one at a time', async () => {
    // A window takes half an hour, the lifecycle 50 minutes.
    const { started } = await watched(
      {
        served: Array.from({ length: 4 }, () =>
          served('1', { refresh: { coolDownHours: 0 }, ...takes(50 * 60) }, 'busy'),
        ),
      },
      [...drifting, seen()],
    );
    expect(started).toEqual(['retrain-busy', null]);
  });
});

describe('a window that can not be looked at', () => {
  const gone = ApplicationFailure.nonRetryable('live-profile.json is gone', 'BadProfile');

  test('goes on, and people hear so once', async () => {
    const { observed, told, actions, details } = await watched({ served: [served(), served()] }, [gone]);
    expect(actions).toEqual([null, null]);
    expect(observed[1]?.bounds).toMatchObject({ index: 0, sinceMs: observed[0]?.bounds.sinceMs });
    expect(told).toEqual(["summaries (summaries version 1) can't be watched at the moment: live-profile.json is gone"]);
    expect(details).toContain('- **not watched** — live-profile.json is gone');
  });

  test('is forgotten once one can be', async () => {
    const { state } = await watched({ served: [served(), served()] }, [gone, seen()]);
    expect(state).not.toHaveProperty('unwatched');
  });
});

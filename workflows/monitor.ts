import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  upsertSearchAttributes,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { breachesOf, type Breach, type BreachState } from '../domain/monitoring/breach.ts';
import type { Reaction } from '../domain/spec/monitor-spec.ts';
import { monitorSettingsOf, type MonitoringRun, type MonitorSettings } from '../domain/monitoring/monitoring.ts';
import { describeMonitorNotice, type MonitorNotice } from '../domain/monitoring/monitor-notice.ts';
import type { Release } from '../domain/endpoint/release.ts';
import type { Candidate } from '../domain/endpoint/roll-out.ts';
import { isSameRelease } from '../domain/endpoint/serving-state.ts';
import { monitoringCalls } from './activity-options.ts';
import type { lifecycle } from './lifecycle.ts';
import { createNotices } from './notices.ts';
import { breachAttribute } from './search-attributes.ts';

const { openMonitoring, observeWindow } = proxyActivities<Activities>(monitoringCalls);

/** The reaction that the endpoint must carry out. The team was notified already. */
export interface MonitorAction {
  readonly kind: Reaction;
  readonly because: string;
}

/** The state of the monitored release. It is small, because the endpoint's next execution starts with it. */
export interface MonitorState {
  readonly release: Release;
  readonly run?: MonitoringRun;
  readonly index: number;
  readonly sinceMs: number;
  readonly dueAtMs: number;
  readonly breaches: BreachState;
  /** The number of requests in the last window that was read. */
  readonly requests?: number;
  /** The reason why the last window could not be read. */
  readonly unwatched?: string;
  /** The time of the last retraining, for any release of the endpoint. */
  readonly retrainedAtMs?: number;
}

const minuteMs = 60_000;
/** The window's length if only the age of the model is monitored: an age is counted in days. */
const usualMinutes = 60;

/**
 * Monitors the release that an endpoint serves, one window at a time, between roll-outs. Deterministic. `kept` is the
 * state at the end of the execution before this one.
 */
export function createMonitor(kept?: MonitorState) {
  let state = kept;
  let watched: (Candidate & { readonly settings: MonitorSettings }) | undefined;
  const notices = createNotices();
  const tell = (notice: MonitorNotice, release: Release): void => notices.say(describeMonitorNotice(notice, release));

  return {
    /** Sets the release to monitor; undefined stops monitoring. The windows of an unchanged release continue. */
    follow(served: Candidate | undefined, nowMs: number): void {
      const settings = served && monitorSettingsOf(served.terms.spec);
      watched = served && settings && { ...served, settings };
      if (watched && state && isSameRelease(state.release, watched.release)) return;
      if (state && breachesOf(state.breaches).length > 0) show([]);
      const { retrainedAtMs } = state ?? {};
      state = watched && {
        release: watched.release,
        index: 0,
        sinceMs: nowMs,
        dueAtMs: nowMs + windowMs(watched.settings),
        breaches: {},
        retrainedAtMs,
      };
    },

    /** The time until the window ends; undefined if nothing is monitored. */
    due: (nowMs: number): number | undefined => (watched && state ? Math.max(0, state.dueAtMs - nowMs) : undefined),

    /** Reads the window that is due. Returns the reaction to it; undefined if none is needed. */
    async look(): Promise<MonitorAction | undefined> {
      if (!watched || !state) return undefined;
      const { release, terms, settings } = watched;
      const untilMs = Date.now();
      const { index, sinceMs, breaches } = state;
      state = { ...state, dueAtMs: untilMs + windowMs(settings) };
      try {
        const run = state.run ?? (await openMonitoring(release, { dataset: terms.dataset, runId: terms.runId }));
        const seen = await observeWindow({
          release,
          run,
          settings,
          bounds: { index, sinceMs, untilMs },
          state: breaches,
        });
        const { unwatched: _before, ...rest } = state;
        state = {
          ...rest,
          run,
          requests: seen.requests,
          breaches: seen.state,
          ...(seen.closed ? { index: index + 1, sinceMs: untilMs } : {}),
        };
        for (const breach of seen.begun) tell({ what: 'begun', breach }, release);
        for (const breach of seen.ended) tell({ what: 'ended', breach }, release);
        if (seen.begun.length + seen.ended.length > 0) show(breachesOf(seen.state));
        return actionOf(seen.begun, breachesOf(seen.state), mayRetrain(untilMs));
      } catch (error) {
        // If a window can't be read, extend it and try later: traffic and roll-outs must not wait for monitoring.
        if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
        const because = error.cause?.message ?? error.message;
        if (state.unwatched === undefined) tell({ what: 'unwatched', because }, release);
        state = { ...state, unwatched: because };
        return undefined;
      }
    },

    /**
     * Starts a lifecycle with the release's own spec, and returns its workflow ID; undefined if an earlier one still
     * runs. The lifecycle outlives the endpoint.
     */
    async retrain(because: string): Promise<string | undefined> {
      if (!watched || !state) return undefined;
      const { release, terms } = watched;
      // All retrainings of an endpoint have the same ID, so that Temporal allows only one at a time.
      const workflowId = `retrain-${release.endpoint}`;
      try {
        await startChild<typeof lifecycle>('lifecycle', {
          workflowId,
          // Never skip this lifecycle: the model is not good enough, even if its inputs did not change.
          args: [{ ...terms.spec, requester: 'monitor', skip: 'never' }],
          parentClosePolicy: ParentClosePolicy.ABANDON,
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          staticSummary: `the monitor of ${release.endpoint} asked for it`,
          staticDetails: because,
        });
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
        throw error;
      }
      state = { ...state, retrainedAtMs: Date.now() };
      return workflowId;
    },

    /** The state for the endpoint's status, its details and its next execution. */
    state: (): MonitorState | undefined => state,

    /** Waits until every notification was sent or has failed for good. */
    settled: (): Promise<void> => notices.settled(),
  };

  function mayRetrain(nowMs: number): boolean {
    const coolDownHours = watched?.settings.refresh?.coolDownHours ?? usualCoolDownHours;
    return state?.retrainedAtMs === undefined || nowMs - state.retrainedAtMs >= coolDownHours * 60 * minuteMs;
  }
}

/** Must equal the default of `refresh.coolDownHours`; it applies if the spec has no `refresh`. */
const usualCoolDownHours = 24;

const windowMs = ({ monitor }: MonitorSettings): number => (monitor?.windowMinutes ?? usualMinutes) * minuteMs;

/**
 * A new breach with a rollback has priority, and leads to one rollback only. A retraining is requested as long as its
 * breach lasts, because an earlier one may have produced no better model.
 */
function actionOf(begun: readonly Breach[], all: readonly Breach[], mayRetrain: boolean): MonitorAction | undefined {
  const rollback = begun.filter(({ then }) => then === 'rollback');
  if (rollback.length > 0) return { kind: 'rollback', because: reasonsOf(rollback) };
  const retrain = mayRetrain ? all.filter(({ then }) => then === 'retrain') : [];
  if (retrain.length > 0) return { kind: 'retrain', because: reasonsOf(retrain) };
  return begun.length === 0 ? undefined : { kind: 'alarm', because: reasonsOf(begun) };
}

const reasonsOf = (breaches: readonly Breach[]): string => breaches.map(({ because }) => because).join('; ');

function show(breaches: readonly Breach[]): void {
  upsertSearchAttributes([
    { key: breachAttribute, value: breaches.length === 0 ? null : breaches.map(({ rule }) => rule).join(' ') },
  ]);
}

/** A summary of the monitoring for Temporal's UI, as Markdown. */
export function describeMonitor({ index, requests, breaches, unwatched }: MonitorState): readonly string[] {
  return [
    `Watched: ${index} windows${requests === undefined ? '' : `, ${requests} requests in the last`}`,
    ...(unwatched === undefined ? [] : [`- **not watched** — ${unwatched.replace(/\s+/g, ' ')}`]),
    ...breachesOf(breaches).map(({ rule, then, because }) => `- **${rule}** (${then}) — ${because}`),
  ];
}

import { ApplicationFailure } from '@temporalio/activity';
import { advance, type Advanced, type BreachState } from '../domain/monitoring/breach.ts';
import { digestOfText } from '../domain/digest.ts';
import { toHtml } from '../domain/report/document.ts';
import type { Artifact } from '../domain/job/job.ts';
import { driftsOf, evaluateWindow, type Drifts } from '../domain/monitoring/evaluate-window.ts';
import {
  profiledExamples,
  profileOf,
  type Example,
  type TrainingProfile,
} from '../domain/monitoring/training-profile.ts';
import { windowOf, type WindowStats } from '../domain/monitoring/window-stats.ts';
import { monitorPage } from '../domain/monitoring/monitor-page.ts';
import type { MonitorSettings, MonitoringRun, WindowBounds } from '../domain/monitoring/monitoring.ts';
import { type Release, releaseId } from '../domain/endpoint/release.ts';
import { tags } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';

export interface WindowToObserve {
  readonly release: Release;
  readonly run: MonitoringRun;
  readonly settings: MonitorSettings;
  readonly bounds: WindowBounds;
  readonly state: BreachState;
}

export interface ObservedWindow extends Advanced {
  readonly requests: number;
  /** True if the window has the requests that it needs. If false, the window continues. */
  readonly closed: boolean;
}

const profilePath = 'live-profile.json';
const dayMs = 24 * 3_600_000;

export function createMonitoringActivities({
  tracking,
  artifacts,
  endpoints,
}: Pick<Dependencies, 'tracking' | 'artifacts' | 'endpoints'>) {
  /**
   * Computes the profile of the data set that the lifecycle trained on, once, and keeps it with the lifecycle's run.
   */
  async function keepProfile(lifecycleRunId: string, dataset: Artifact): Promise<string> {
    const kept = await tracking.readText(lifecycleRunId, profilePath);
    if (kept !== undefined) return digestOfText(kept);
    const examples: Example[] = [];
    for await (const line of artifacts.readLines(`${dataset.uri}/train.jsonl`)) {
      examples.push(JSON.parse(line) as Example);
      if (examples.length === profiledExamples) break;
    }
    const text = `${JSON.stringify(profileOf(examples, dataset.digest))}\n`;
    await tracking.putText(lifecycleRunId, profilePath, text);
    return digestOfText(text);
  }

  async function readProfile({ lifecycleRunId, profileDigest }: MonitoringRun): Promise<TrainingProfile> {
    const text = await tracking.readText(lifecycleRunId, profilePath);
    if (text !== undefined && digestOfText(text) === profileDigest) return JSON.parse(text) as TrainingProfile;
    throw ApplicationFailure.nonRetryable(
      `${profilePath} of the run ${lifecycleRunId} is ${text === undefined ? 'gone' : 'not the one that the release is watched by: its digest differs'}.`,
      'BadProfile',
    );
  }

  return {
    /**
     * Opens the run for the observations of a release, and returns it with the digest of the training profile.
     * Idempotent.
     */
    async openMonitoring(
      release: Release,
      { dataset, runId }: { readonly dataset: Artifact; readonly runId: string },
    ): Promise<MonitoringRun> {
      const profileDigest = await keepProfile(runId, dataset);
      const monitoringRunId = await tracking.openRun({
        experiment: release.model,
        name: `monitor ${release.endpoint} version ${release.version}`,
        key: { key: tags.monitoring, value: `${release.endpoint}/${releaseId(release)}` },
        tags: {
          [tags.stage]: 'monitor',
          [tags.endpoint]: release.endpoint,
          [tags.weightsDigest]: release.weights.digest,
          [tags.datasetDigest]: dataset.digest,
        },
      });
      return {
        runId: monitoringRunId,
        lifecycleRunId: runId,
        profileDigest,
        trainedAtMs: await tracking.startedAtMs(runId),
      };
    },

    /**
     * Evaluates the window, logs its figures as one step, and writes `monitor.html`. Idempotent: a retry logs the same
     * step again.
     */
    async observeWindow({ release, run, settings, bounds, state }: WindowToObserve): Promise<ObservedWindow> {
      const { index, sinceMs, untilMs } = bounds;
      const { monitor, refresh, costPerHour, currency } = settings;
      const id = releaseId(release);
      const observations = monitor === undefined ? [] : await endpoints.observe(release.endpoint, sinceMs);
      const mine = observations.filter((o) => o.release === id && o.atMs >= sinceMs && o.atMs < untilMs);
      const closed = monitor !== undefined && mine.length >= monitor.minimumRequests;
      // A window that continues has no figures yet. The age of the model needs no requests.
      const window = windowOf(closed ? mine : [], costPerHour);
      const profile = closed ? await readProfile(run) : undefined;
      const drifts = profile ? driftsOf(window, profile) : {};
      const ageDays = Math.max(0, untilMs - run.trainedAtMs) / dayMs;
      const rules = monitor?.rules ?? [];
      const findings = evaluateWindow({ window, drifts, rules, refresh, ageDays });
      const advanced = advance(
        state,
        findings,
        monitor ?? { breachWindows: 1, ofWindows: 1, clearWindows: 1 },
        untilMs,
      );
      if (profile) {
        const page = monitorPage({
          release,
          index,
          sinceMs,
          untilMs,
          window,
          profile,
          drifts,
          rules,
          findings,
          state: advanced.state,
          ageDays,
          currency,
        });
        await tracking.logFigures(run.runId, figuresToLog(window, drifts, ageDays, advanced), {
          step: index,
          atMs: untilMs,
        });
        await tracking.putText(run.runId, 'monitor.html', toHtml(page));
      }
      return { requests: mine.length, closed, ...advanced };
    },
  };
}

function figuresToLog(
  { requests, figures }: WindowStats,
  drifts: Drifts,
  ageDays: number,
  { state }: Advanced,
): Readonly<Record<string, number>> {
  const measured = Object.entries(figures).flatMap(
    ([name, { point, low, high }]) =>
      [
        [name, point],
        [`${name}/low`, low],
        [`${name}/high`, high],
      ] as const,
  );
  const drifted = Object.entries(drifts).map(([name, { size }]) => [name, size] as const);
  const breached = Object.entries(state).map(([rule, { breach }]) => [`breached/${rule}`, breach ? 1 : 0] as const);
  return Object.fromEntries([['requests', requests], ['modelAgeDays', ageDays], ...measured, ...drifted, ...breached]);
}

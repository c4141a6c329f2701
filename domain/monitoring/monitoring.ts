import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { MonitorSpec, RefreshSpec } from '../spec/monitor-spec.ts';

/** What of a spec says how a release is watched. */
export interface MonitorSettings {
  readonly monitor?: MonitorSpec;
  readonly refresh?: RefreshSpec;
  readonly costPerHour?: number;
  readonly currency?: string;
}

/** Undefined where nothing is to be watched. */
export function monitorSettingsOf({
  monitor,
  refresh,
  evaluate: { costPerHour, currency },
}: LifecycleSpec): MonitorSettings | undefined {
  if (monitor === undefined && refresh?.maximumAgeDays === undefined) return undefined;
  return { monitor, refresh, costPerHour, currency };
}

/** Where what is seen of a release is kept, and what it is held against, by digest. */
export interface MonitoringRun {
  readonly runId: string;
  readonly lifecycleRunId: string;
  readonly profileDigest: string;
  /** When the lifecycle began that made the model: it knows nothing newer. */
  readonly trainedAtMs: number;
}

export interface WindowBounds {
  /** From 0, by which MLflow orders the figures. */
  readonly index: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { MonitorSpec, RefreshSpec } from '../spec/monitor-spec.ts';

/** The fields of a spec that decide how a release is monitored. */
export interface MonitorSettings {
  readonly monitor?: MonitorSpec;
  readonly refresh?: RefreshSpec;
  readonly costPerHour?: number;
  readonly currency?: string;
}

/** Undefined if the spec asks for no monitoring. */
export function monitorSettingsOf({
  monitor,
  refresh,
  evaluate: { costPerHour, currency },
}: LifecycleSpec): MonitorSettings | undefined {
  if (monitor === undefined && refresh?.maximumAgeDays === undefined) return undefined;
  return { monitor, refresh, costPerHour, currency };
}

/** The MLflow run that keeps the observations of a release, and the digest of its training profile. */
export interface MonitoringRun {
  readonly runId: string;
  readonly lifecycleRunId: string;
  readonly profileDigest: string;
  /** The start of the lifecycle that made the model. The model contains no newer data. */
  readonly trainedAtMs: number;
}

export interface WindowBounds {
  /** Starts at 0. MLflow uses it as the step of the figures. */
  readonly index: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

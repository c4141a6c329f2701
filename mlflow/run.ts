import { type DatasetInput, toDatasetInput, type WireInput } from './dataset-input.ts';
import { present } from './errors.ts';
import { fromPairs, type Tag, type Tags } from './tags.ts';

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
export type TerminalRunStatus = 'FINISHED' | 'FAILED' | 'KILLED';

export interface Run {
  readonly runId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly artifactUri: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** The last value of each metric, possibly NaN. MLflow stores an infinity as ±1.8e308. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly params: Tags;
  readonly tags: Tags;
  readonly inputs: readonly DatasetInput[];
}

/** Protocol buffers as JSON: empty fields are omitted. */
export interface WireRun {
  readonly info?: {
    readonly run_id?: string;
    readonly experiment_id?: string;
    readonly run_name?: string;
    readonly status?: RunStatus;
    readonly artifact_uri?: string;
    readonly start_time?: number;
    readonly end_time?: number;
  };
  readonly data?: {
    readonly metrics?: readonly WireMetric[];
    readonly params?: readonly Tag[];
    readonly tags?: readonly Tag[];
  };
  readonly inputs?: { readonly dataset_inputs?: readonly WireInput[] };
}

export interface WireMetric {
  readonly key: string;
  /** NaN and infinities are sent as strings, because JSON has no numbers for them. */
  readonly value?: number | string;
  readonly timestamp?: number;
  readonly step?: number;
}

export function toRun({ info, data, inputs }: WireRun): Run {
  return {
    runId: present(info?.run_id, 'run.info.run_id'),
    experimentId: present(info?.experiment_id, 'run.info.experiment_id'),
    name: info?.run_name ?? '',
    status: present(info?.status, 'run.info.status'),
    artifactUri: present(info?.artifact_uri, 'run.info.artifact_uri'),
    startedAtMs: info?.start_time ?? 0,
    ...(info?.end_time ? { endedAtMs: info.end_time } : {}),
    metrics: Object.fromEntries((data?.metrics ?? []).map(({ key, value }) => [key, Number(value ?? 0)])),
    params: fromPairs(data?.params),
    tags: fromPairs(data?.tags),
    inputs: (inputs?.dataset_inputs ?? []).map(toDatasetInput),
  };
}

import type { PayloadConverter } from '@temporalio/common';
import type { Verdict } from '../../domain/gate/gate.ts';
import type { JobReport, JobToRun } from '../../domain/job/job-request.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import type { ReviewSoFar } from '../../domain/lineage/lineage-facts.ts';
import { decidedBy, type ReviewRecord } from '../../domain/review/review.ts';
import type { RegisteredVersion } from '../../domain/lineage/tracking.ts';
import { acceptedUpdates, completedCalls, type Call, type History } from '../execution-history.ts';
import type { CommentView, DecisionView, DelegationView } from './views.ts';

/**
 * What a lifecycle did so far, from its history: MLflow has no run for a reused stage, so only the history has its
 * outputs.
 */
export interface LifecycleRecord {
  readonly spec?: LifecycleSpec;
  readonly inputs?: LifecycleInputs;
  readonly champion?: RegisteredVersion;
  readonly stages: readonly StageRecord[];
  readonly gate?: Verdict;
  readonly review?: ReviewSoFar;
  readonly decisions: readonly DecisionView[];
  readonly delegations: readonly DelegationView[];
  readonly comments: readonly CommentView[];
  readonly version?: string;
  readonly endpoint?: string;
}

export interface StageRecord {
  readonly stage: string;
  readonly reused: boolean;
  readonly outputs: Readonly<Record<string, Artifact>>;
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Reads completed activities only. */
export function recordOf(history: History, converter: PayloadConverter): LifecycleRecord {
  const events = history.events ?? [];
  const calls = completedCalls(events, converter);
  const resultOf = <T>(name: string): T | undefined =>
    calls.findLast((call) => call.name === name)?.result as T | undefined;
  const argumentOf = <T>(name: string, index: number): T | undefined =>
    calls.findLast((call) => call.name === name)?.args[index] as T | undefined;
  const updates = acceptedUpdates(events, converter);
  const said = <T>(update: string): (T & { readonly at: string })[] =>
    updates.flatMap(({ name, argument, at }) => (name === update ? [{ ...(argument as T), at }] : []));
  const known = {
    // A lifecycle that ended unchanged never opened a run.
    spec: argumentOf<LifecycleSpec>('openLifecycle', 0) ?? argumentOf<LifecycleSpec>('findUnchanged', 0),
    inputs: resultOf<LifecycleInputs>('openLifecycle'),
    champion: resultOf<RegisteredVersion>('findChampion') ?? undefined,
    gate: argumentOf<Verdict>('recordVerdict', 1),
    review:
      reviewOf(argumentOf<ReviewRecord>('closeReview', 1)) ?? reviewOf(resultOf<{ digest: string }>('openReview')),
    version: resultOf<string>('registerVersion'),
    endpoint: argumentOf<{ endpoint: string }>('recordRelease', 1)?.endpoint,
  };
  return {
    ...defined(known),
    stages: calls.flatMap(stageOf),
    decisions: said<DecisionView>('review'),
    delegations: said<DelegationView>('delegate'),
    comments: said<CommentView>('comment'),
  };
}

function reviewOf(review: { readonly digest: string } | ReviewRecord | undefined): ReviewSoFar | undefined {
  if (review === undefined) return undefined;
  return { digest: review.digest, ...('outcome' in review ? { outcome: review.outcome, by: decidedBy(review) } : {}) };
}

/** Drops the fields that are undefined. */
export const defined = <T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined>;
  };

function stageOf({ name, args, result, seconds }: Call): StageRecord[] {
  if (name !== 'runJob') return [];
  const { outcome, reused } = result as JobReport;
  if (outcome.kind !== 'succeeded') return [];
  return [
    { stage: (args[0] as JobToRun).spec.stage, reused, outputs: outcome.outputs, figures: outcome.figures, seconds },
  ];
}

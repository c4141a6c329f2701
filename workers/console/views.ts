import type { Directions } from '../../domain/gate/evidence.ts';
import type { Lineage } from '../../domain/lineage/lineage.ts';
import type { Page } from './paging.ts';

/**
 * What the console answers, as JSON. Every text in it may come from a model, a data set or another person: the
 * pages show it as text. Fields that later lifecycles have, and earlier ones lack, are optional.
 */

export interface SessionView {
  readonly name: string;
  readonly roles: readonly string[];
}

export interface QueueView {
  readonly awaiting: readonly QueueRow[];
  /** The newest, whatever became of them, without those that await a review. */
  readonly recent: readonly QueueRow[];
  /** Where a lifecycle is started by hand. */
  readonly startUrl?: string;
}

export interface QueueRow {
  readonly id: string;
  readonly model: string;
  readonly state: LifecycleState;
  readonly startedAt: string;
  readonly review?: { readonly requester?: string; readonly since?: string; readonly deadline?: string };
}

export type LifecycleState =
  'awaiting review' | 'running' | 'promoted' | 'unchanged' | 'rejected' | 'failed' | 'cancelled';

export interface LifecycleView {
  readonly id: string;
  readonly executionRunId: string;
  readonly mlflowRunId?: string;
  readonly model: string;
  readonly stage: string;
  readonly state: LifecycleState;
  readonly startedAt: string;
  readonly closedAt?: string;
  readonly requester?: string;
  readonly baseModel?: string;
  readonly endpoint?: string;
  readonly version?: string;
  readonly review?: ReviewView;
  readonly decisions: readonly DecisionView[];
  readonly delegations: readonly DelegationView[];
  readonly comments: readonly CommentView[];
  readonly gate?: { readonly passed: boolean; readonly findings: readonly FindingView[] };
  readonly evidence?: EvidenceView;
  readonly stages: readonly StageView[];
}

/** What a decision has to name, and who may make it. */
export interface ReviewView {
  readonly digest: string;
  readonly subject?: Readonly<Record<string, string>>;
  readonly requester?: string;
  readonly twoPersonRule: boolean;
  readonly since?: string;
  readonly deadline?: string;
  readonly reviewers?: readonly string[];
  /** How many different people have to approve. */
  readonly approvals?: number;
}

export interface DecisionView {
  readonly decision: string;
  readonly reviewer: string;
  readonly comment?: string;
  readonly at?: string;
}

/** From then on `to` decides, and `from` does not. */
export interface DelegationView {
  readonly from: string;
  readonly to: string;
  readonly at?: string;
}

export interface CommentView {
  readonly author: string;
  readonly text: string;
  readonly at?: string;
}

export interface IntervalView {
  readonly point: number;
  readonly low: number;
  readonly high: number;
}

export interface FindingView {
  readonly rule: string;
  readonly passed: boolean;
  readonly finding: string;
  readonly slice?: string;
  /** Absent where the evidence does not hold what the rule asked for. */
  readonly drawing?: {
    readonly interval: IntervalView;
    readonly threshold: number;
    readonly isDifference: boolean;
    readonly passesBelow: boolean;
  };
}

export type Figures = Readonly<Record<string, IntervalView>>;

export interface EvidenceView {
  readonly examples: number;
  readonly datasetDigest: string;
  readonly confidence: number;
  readonly bootstrapSamples: number;
  readonly signatures: Readonly<Record<string, string>>;
  /** By role: base, candidate, champion. */
  readonly models: Readonly<Record<string, { readonly digest: string; readonly metrics: Figures }>>;
  readonly differences: Readonly<Record<string, Figures>>;
  readonly slices: readonly SliceView[];
  readonly attacks?: {
    readonly suite: string;
    readonly families: Readonly<
      Record<string, Readonly<Record<string, { readonly attacks: number; readonly succeeded: number }>>>
    >;
  };
  /** Of the metrics of a suite, as the evidence has it. */
  readonly directions: Directions;
  readonly lowerIsBetter: readonly string[];
  /** Neither more nor less of these is better. */
  readonly boundsOnly: readonly string[];
  /** Of the metrics whose names don't say it. */
  readonly units: Readonly<Record<string, string>>;
}

export interface SliceView {
  readonly by: string;
  readonly value: string;
  readonly examples: number;
  readonly models: Readonly<Record<string, Figures>>;
  readonly differences: Readonly<Record<string, Figures>>;
}

export interface StageView {
  readonly stage: string;
  readonly reused: boolean;
  readonly figures: Readonly<Record<string, number>>;
  /** From its start to its end, waits included. */
  readonly seconds?: number;
}

export interface ExamplesView extends Page<ExampleView> {
  readonly sort: 'worst' | 'best' | 'order';
  readonly metric: string;
  readonly metrics: readonly string[];
  readonly against: string;
  readonly others: readonly string[];
  readonly worse: number;
  readonly equal: number;
  readonly better: number;
}

export interface ExampleView {
  readonly id: string;
  readonly prompt: string;
  readonly reference: string;
  readonly candidate: AnswerView;
  readonly other: AnswerView;
  /** Candidate less other, positive where the candidate is better. */
  readonly gain: number;
}

export interface AnswerView {
  readonly answer: string;
  readonly score: number;
  /** Why a judge called the answer supported by its source, or not. */
  readonly rationale?: string;
}

export interface AttacksView extends Page<AttackView> {
  /** Empty: all of them. */
  readonly family: string;
  readonly families: readonly string[];
  /** On the candidate, of the family chosen. */
  readonly succeeded: number;
}

export interface AttackView {
  readonly id: string;
  readonly family: string;
  readonly goal: string;
  readonly prompt: string;
  /** Whoever says it has given way. */
  readonly wanted: string;
  /** The candidate's first. */
  readonly answers: readonly { readonly role: string; readonly answer: string; readonly succeeded: boolean }[];
}

export interface CurveView {
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly { readonly step: number; readonly value: number }[];
  }[];
}

export interface ProfileView {
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly missing: number; readonly empty: number }[];
  readonly facts: readonly { readonly name: string; readonly count: number; readonly share: number }[];
  readonly lengths: readonly {
    readonly name: string;
    readonly p5: number;
    readonly p50: number;
    readonly p95: number;
    readonly max: number;
    readonly binWidth: number;
    readonly histogram: readonly number[];
  }[];
  readonly commonTargets: readonly { readonly text: string; readonly count: number }[];
}

export type LineageView = Lineage;

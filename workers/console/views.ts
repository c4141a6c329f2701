import type { Directions } from '../../domain/gate/evidence.ts';
import type { Lineage } from '../../domain/lineage/lineage.ts';
import type { Page } from './paging.ts';

/**
 * The console's answers, as JSON. Every text in them may come from a model, a data set or another person, so the pages
 * show it as plain text. Fields that older lifecycles lack are optional.
 */

export interface SessionView {
  readonly name: string;
  readonly roles: readonly string[];
}

export interface QueueView {
  readonly awaiting: readonly QueueRow[];
  /** The newest lifecycles in any state, except those that await a review. */
  readonly recent: readonly QueueRow[];
  /** The address of the form that starts a lifecycle. */
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

/** The fields that a decision must name, and the people who may make it. */
export interface ReviewView {
  readonly digest: string;
  readonly subject?: Readonly<Record<string, string>>;
  readonly requester?: string;
  readonly twoPersonRule: boolean;
  readonly since?: string;
  readonly deadline?: string;
  readonly reviewers?: readonly string[];
  /** The number of different people who must approve. */
  readonly approvals?: number;
}

export interface DecisionView {
  readonly decision: string;
  readonly reviewer: string;
  readonly comment?: string;
  readonly at?: string;
}

/** From `at` on, `to` decides in place of `from`. */
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
  /** Absent if the evidence lacks the metric that the rule needs. */
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
  /** Keys are roles: base, candidate, champion. */
  readonly models: Readonly<Record<string, { readonly digest: string; readonly metrics: Figures }>>;
  readonly differences: Readonly<Record<string, Figures>>;
  readonly slices: readonly SliceView[];
  readonly attacks?: {
    readonly suite: string;
    readonly families: Readonly<
      Record<string, Readonly<Record<string, { readonly attacks: number; readonly succeeded: number }>>>
    >;
  };
  /** Directions of the suite's metrics, from the evidence. */
  readonly directions: Directions;
  readonly lowerIsBetter: readonly string[];
  /** Metrics without a direction: neither higher nor lower is better. */
  readonly boundsOnly: readonly string[];
  /** Units of the metrics whose names don't contain them. */
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
  /** From the start of the stage to its end, waits included. */
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
  /** Candidate minus other. Positive if the candidate is better. */
  readonly gain: number;
}

export interface AnswerView {
  readonly answer: string;
  readonly score: number;
  /** The judge's reason why the source supports the answer or does not. */
  readonly rationale?: string;
}

export interface AttacksView extends Page<AttackView> {
  /** Empty: all families. */
  readonly family: string;
  readonly families: readonly string[];
  /** Number of attacks of the chosen family that succeeded on the candidate. */
  readonly succeeded: number;
}

export interface AttackView {
  readonly id: string;
  readonly family: string;
  readonly goal: string;
  readonly prompt: string;
  /** The text that a model says if the attack succeeds. */
  readonly wanted: string;
  /** The candidate comes first. */
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

import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Verdict } from '../../domain/gate/gate.ts';
import { describeWait, type Wait } from '../../domain/job/job.ts';
import type { Stage } from '../../domain/job/stages.ts';
import type { LifecycleResult, LifecycleStatus } from '../../domain/lifecycle/lifecycle.ts';
import type { ReviewRequest } from '../../domain/review/review.ts';
import { describeStatus } from '../describe-status.ts';
import { modelAttribute, stageAttribute, verdictAttribute } from '../search-attributes.ts';
import type { StageSuccess } from '../run-stage.ts';

/** The state of one lifecycle. Every transition also updates what Temporal's UI shows. */
export class LifecycleState {
  #status: LifecycleStatus = {
    model: undefined,
    stage: 'check',
    attempt: 1,
    runId: undefined,
    waiting: undefined,
    finished: [],
    gate: undefined,
    awaitingReview: undefined,
  };
  #lastWait: string | undefined;

  get status(): LifecycleStatus {
    return this.#status;
  }

  acceptSpec(model: string): void {
    this.#change({ model });
    upsertSearchAttributes([{ key: modelAttribute, value: model }]);
  }

  openRun(runId: string): void {
    this.#change({ runId });
  }

  beginAttempt(stage: Stage, attempt: number): void {
    this.#change({ stage, attempt, waiting: undefined });
  }

  /** Ignores a wait of an earlier stage: its Signal can arrive after that stage's Job has ended. */
  reportWait(stage: string, waiting: Wait | undefined): void {
    if (stage !== this.#status.stage) return;
    if (waiting) this.#lastWait = describeWait(waiting);
    this.#change({ waiting });
  }

  finishStage(stage: Stage, { reused, figures }: StageSuccess): void {
    const finished = { stage, reused, figures, waitedFor: this.#lastWait };
    this.#lastWait = undefined;
    this.#change({ waiting: undefined, finished: [...this.#status.finished, finished] });
  }

  recordGate(gate: Verdict): void {
    this.#change({ gate });
  }

  /** Updates the open review; undefined closes it. */
  updateReview(awaitingReview: ReviewRequest | undefined): void {
    this.#change({ awaitingReview });
  }

  finish(verdict: LifecycleResult['verdict']): void {
    this.#change({ stage: 'done' });
    upsertSearchAttributes([{ key: verdictAttribute, value: verdict }]);
  }

  #change(change: Partial<LifecycleStatus>): void {
    if (change.stage !== undefined && change.stage !== this.#status.stage)
      upsertSearchAttributes([{ key: stageAttribute, value: change.stage }]);
    this.#status = { ...this.#status, ...change };
    setCurrentDetails(describeStatus(this.#status));
  }
}

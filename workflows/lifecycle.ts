import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { decide, type Verdict } from '../domain/gate/gate.ts';
import { describeWait, type Artifact } from '../domain/job/job.ts';
import type { AnyStageSpec } from '../domain/job/job-request.ts';
import { jobStages, type JobStage, type OutputOf } from '../domain/job/stages.ts';
import type { LifecycleResult, LifecycleStatus, RefusedBy, UnchangedResult } from '../domain/lifecycle/lifecycle.ts';
import { decidedBy, type ReviewRecord, type ReviewRequest } from '../domain/review/review.ts';
import type { ReviewNotice } from '../domain/review/review-notice.ts';
import { specChecks, trackingCalls, releaseSteps } from './activity-options.ts';
import { describeStatus } from './describe-status.ts';
import { jobWaitSignal, statusQuery } from './messages.ts';
import { createNotices } from './notices.ts';
import { requestRelease } from './request-release.ts';
import { countingFailures } from './pause-failing-schedule.ts';
import { createReview, type ReviewRules } from './review.ts';
import { runStage } from './run-stage.ts';
import { modelAttribute, stageAttribute, verdictAttribute } from './search-attributes.ts';
import { evaluateSpec, exploreSpec, inputDigestsOf, prepareSpec, tuneSpec } from './stages.ts';

const { checkSpec } = proxyLocalActivities<Activities>(specChecks);
const {
  findUnchanged,
  openLifecycle,
  closeLifecycle,
  readEvidence,
  recordVerdict,
  openReview,
  closeReview,
  findChampion,
  registerVersion,
  recordRelease,
} = proxyActivities<Activities>(trackingCalls);
const { verifySubject } = proxyActivities<Activities>(releaseSteps);

/** The whole path of one model version, from data to endpoint. Its one argument is a LifecycleSpec. */
export function lifecycle(raw: unknown): Promise<LifecycleResult> {
  return countingFailures(() => wholePath(raw));
}

async function wholePath(raw: unknown): Promise<LifecycleResult> {
  let status: LifecycleStatus = {
    model: undefined,
    stage: 'check',
    attempt: 1,
    runId: undefined,
    waiting: undefined,
    finished: [],
    gate: undefined,
    awaitingReview: undefined,
  };
  let record: ReviewRecord | undefined;
  let waitedFor: string | undefined;
  setHandler(statusQuery, () => status);
  setHandler(jobWaitSignal, ({ stage, wait }) => {
    // One that was under way while its Job ended says nothing any more.
    if (stage !== status.stage) return;
    if (wait) waitedFor = describeWait(wait);
    update({ waiting: wait });
  });
  const reviews = createReview((awaitingReview) => update({ awaitingReview }));
  const notices = createNotices();

  const spec = await checkSpec(raw);
  update({ model: spec.model });
  upsertSearchAttributes([{ key: modelAttribute, value: spec.model }]);
  if (spec.skip === 'whenUnchanged') {
    const found = await findUnchanged(spec);
    if (found !== undefined) return unchanged(typeof found === 'string' ? { version: found } : found);
  }
  // Whole even if cancelled meanwhile: a run that was opened and not known of would stay open for ever.
  const inputs = await CancellationScope.nonCancellable(() => openLifecycle(spec, execution()));
  update({ runId: inputs.runId });

  try {
    await explore();
    const dataset = await prepare();
    const candidate = await tune(dataset);
    const { evidence, attacks, gate } = await evaluate(dataset, candidate);
    if (!gate.passed) return await end({ verdict: 'rejected', by: 'gate', reason: failedRules(gate) });

    const refusal = await review({ weights: candidate, dataset, evidence });
    if (refusal) return await end(refusal);

    return await end(await deploy(candidate, dataset, evidence, attacks));
  } catch (error) {
    await CancellationScope.nonCancellable(() =>
      closeLifecycle(inputs.runId, isCancellation(error) ? 'KILLED' : 'FAILED'),
    );
    throw error;
  }

  function unchanged(found: Pick<UnchangedResult, 'version' | 'reason'>): UnchangedResult {
    update({ stage: 'done' });
    upsertSearchAttributes([{ key: verdictAttribute, value: 'unchanged' }]);
    return { model: spec.model, verdict: 'unchanged', ...found };
  }

  async function explore(): Promise<void> {
    await run('explore', exploreSpec(spec, inputs));
  }

  async function prepare(): Promise<Artifact> {
    return (await run('prepare', prepareSpec(spec, inputs))).dataset;
  }

  async function tune(dataset: Artifact): Promise<Artifact> {
    return (await run('tune', tuneSpec(spec, inputs, dataset), spec.tune.maximumSeconds)).model;
  }

  async function evaluate(
    dataset: Artifact,
    candidate: Artifact,
  ): Promise<{ evidence: Artifact; attacks: Artifact | undefined; gate: Verdict }> {
    const champion = await findChampion(spec.model);
    const others = champion && champion.weights.digest !== candidate.digest ? { champion: champion.weights } : {};
    const { evidence, attacks } = await run(
      'evaluate',
      evaluateSpec(spec, inputs, dataset, { base: inputs.baseModel, candidate, ...others }),
    );
    const figures = await readEvidence(evidence, [...new Set(spec.gate.map(({ metric }) => metric))]);
    const gate = decide(spec.gate, figures);
    update({ gate });
    await recordVerdict(inputs.runId, gate);
    return { evidence, attacks, gate };
  }

  /** Undefined once the candidate is approved, and still is what was approved. */
  async function review(reviewed: Reviewed): Promise<Refusal | undefined> {
    if (spec.review.by === 'gate') return undefined;
    update({ stage: 'review', attempt: 1 });
    const candidate = { ...reviewed, prompt: inputs.prompt };
    const tell = (notice: ReviewNotice, request: ReviewRequest): void => notices.tell(spec.model, notice, request);
    record = await reviews.hold({
      ...(await openReview(candidate)),
      requester: spec.requester,
      rules: spec.review,
      tell,
    });
    await closeReview(inputs.runId, record);
    if (record.outcome !== 'approved') return refusalOf(record, spec.review);
    const changes = await verifySubject(candidate, record.subject);
    if (changes.length === 0) return undefined;
    record = { ...record, outcome: 'stale', changes };
    await closeReview(inputs.runId, record);
    const refusal = refusalOf(record, spec.review);
    tell({ what: 'stale', reason: refusal.reason }, record);
    return refusal;
  }

  async function deploy(
    candidate: Artifact,
    dataset: Artifact,
    evidence: Artifact,
    attacks: Artifact | undefined,
  ): Promise<Refusal | Promotion> {
    update({ stage: 'deploy', attempt: 1 });
    const version = await registerVersion({
      spec,
      inputs,
      execution: execution(),
      weights: candidate,
      dataset,
      evidence,
      attacks,
      review: record,
      verdict: status.gate,
    });
    const { endpoint } = spec.deploy;
    const reply = await requestRelease({
      endpoint,
      model: spec.model,
      version,
      because: `promoted by ${execution().workflowId}`,
    });
    if ('reason' in reply) {
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(reply.reason);
      return { verdict: 'rejected', by: 'endpoint', reason: reply.reason };
    }
    const { release, url } = reply;
    await CancellationScope.nonCancellable(() => recordRelease(inputs.runId, release));
    return { verdict: 'promoted', version, endpoint, endpointUrl: url };
  }

  async function run<S extends JobStage>(
    stage: S,
    stageSpec: AnyStageSpec,
    maximumSeconds = defaultMaximumSeconds,
  ): Promise<OutputsOf<S>> {
    const success = await runStage({
      spec: stageSpec,
      maximumSeconds,
      tracking: {
        experiment: spec.model,
        parentRunId: inputs.runId,
        inputDigests: inputDigestsOf(inputs),
        reuse: spec.reuse === 'whenUnchanged',
        wandb: spec.tracking.includes('wandb'),
      },
      onAttempt: (attempt) => update({ stage, attempt, waiting: undefined }),
    });
    update({
      waiting: undefined,
      finished: [...status.finished, { stage, reused: success.reused, figures: success.figures, waitedFor }],
    });
    waitedFor = undefined;
    return needOutputs(stage, success.outputs);
  }

  async function end(outcome: Refusal | Promotion): Promise<LifecycleResult> {
    const gate = status.gate ?? { passed: false, findings: [] };
    update({ stage: 'done' });
    upsertSearchAttributes([{ key: verdictAttribute, value: outcome.verdict }]);
    // A cancel that comes after the outcome is too late: what was released must not read as killed.
    await CancellationScope.nonCancellable(async () => {
      await closeLifecycle(inputs.runId, 'FINISHED', outcome.verdict);
      await notices.settled();
      await condition(allHandlersFinished);
    });
    return { model: spec.model, runId: inputs.runId, gate, ...outcome };
  }

  function update(change: Partial<LifecycleStatus>): void {
    if (change.stage !== undefined && change.stage !== status.stage)
      upsertSearchAttributes([{ key: stageAttribute, value: change.stage }]);
    status = { ...status, ...change };
    setCurrentDetails(describeStatus(status));
  }
}

type Refusal = { readonly verdict: 'rejected'; readonly by: RefusedBy; readonly reason: string };
type Reviewed = Readonly<Record<'weights' | 'dataset' | 'evidence', Artifact>>;
type Promotion = {
  readonly verdict: 'promoted';
  readonly version: string;
  readonly endpoint: string;
  readonly endpointUrl: string;
};

/** A profile, a split or an evaluation that takes a day has gone wrong; tune has its own setting. */
const defaultMaximumSeconds = 86_400;

function execution() {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return { workflowId, firstExecutionRunId };
}

/** What a stage left: all that the stage table names, and perhaps more. */
type OutputsOf<S extends JobStage> = Readonly<Record<OutputOf<S>, Artifact>> &
  Readonly<Record<string, Artifact | undefined>>;

function needOutputs<S extends JobStage>(stage: S, outputs: Readonly<Record<string, Artifact>>): OutputsOf<S> {
  const missing = jobStages[stage].outputs.filter((name) => !outputs[name]);
  if (missing.length === 0) return outputs;
  const reported = Object.keys(outputs).join(', ') || 'none';
  throw ApplicationFailure.nonRetryable(
    `The Job of ${stage} reported no output named ${missing.join(', ')}; it reported ${reported}.`,
    'BadOutcome',
  );
}

const failedRules = (gate: Verdict): string =>
  gate.findings
    .filter((f) => !f.passed)
    .map((f) => `${f.rule}: ${f.finding}`)
    .join('\n');

function refusalOf(record: ReviewRecord, { deadlineHours }: ReviewRules): Refusal {
  const { outcome, decisions, changes = [] } = record;
  if (outcome === 'stale')
    return {
      verdict: 'rejected',
      by: 'stale',
      reason: `What ${decidedBy(record)} approved is not there any more: ${changes.join(', ')}. Start the lifecycle again, and have that reviewed.`,
    };
  const rejection = decisions.find(({ decision }) => decision === 'reject');
  if (rejection)
    return { verdict: 'rejected', by: 'reviewer', reason: rejection.comment ?? `${rejection.reviewer} rejected it.` };
  const who = decisions.length === 0 ? 'Nobody' : `Too few (${decidedBy(record)})`;
  return { verdict: 'rejected', by: 'deadline', reason: `${who} reviewed it within ${deadlineHours} hours.` };
}

import {
  isGrpcDeadlineError,
  isGrpcServiceError,
  QueryNotRegisteredError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import type { Artifact } from '../../domain/job/job.ts';
import { outputOf, type LifecycleStatus } from '../../domain/lifecycle/lifecycle.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { MlflowError, type Mlflow } from '../../mlflow/index.ts';
import { commentUpdate, delegateUpdate, reviewUpdate, statusQuery } from '../../workflows/messages.ts';
import { modelAttribute, stageAttribute, verdictAttribute } from '../../workflows/search-attributes.ts';
import { toAttack } from './attacks.ts';
import { viewEvidence, viewFinding } from './evidence-view.ts';
import { toExample } from './examples.ts';
import { defined, recordOf, type LifecycleRecord, type StageRecord } from './history.ts';
import { Refusal, type Lifecycles } from './lifecycles.ts';
import { viewLineage } from './lineage-view.ts';
import { viewProfile } from './profile-view.ts';
import type { ReadArtifact } from './read-artifact.ts';
import { createTables } from './tables.ts';
import type { CurveView, LifecycleState, QueueRow, ReviewView } from './views.ts';

export interface LiveParts {
  readonly client: Client;
  readonly mlflow: {
    readonly experiments: Pick<Mlflow['experiments'], 'ensure'>;
    readonly runs: Pick<Mlflow['runs'], 'findByTag' | 'metricHistory'>;
  };
  readonly readArtifact: ReadArtifact;
}

/** One page. Older lifecycles are in Temporal's own UI. */
const shownAtMost = 30;
/** A live worker answers in milliseconds. After 10 s a person would think that the console is broken. */
const answerWithinMs = 10_000;

/** Lifecycles from Temporal, their artifacts, and their curves from MLflow. */
export function createLiveLifecycles({ client, mlflow, readArtifact }: LiveParts): Lifecycles {
  const examples = createTables(readArtifact, toExample);
  const attacks = createTables(readArtifact, toAttack);

  async function described(id: string): Promise<WorkflowExecutionDescription> {
    const description = await client.workflow.getHandle(id).describe().catch(explain(id));
    if (description.type !== 'lifecycle') throw missing(id);
    return description;
  }

  async function recorded(id: string): Promise<LifecycleRecord> {
    await described(id);
    return recordOf(
      await client.workflow.getHandle(id).fetchHistory(),
      client.options.loadedDataConverter.payloadConverter,
    );
  }

  /** Asks the worker. Only a running lifecycle can await a review, and only its worker knows. */
  async function statusOf(id: string, state: LifecycleState): Promise<LifecycleStatus | undefined> {
    if (state !== 'running' && state !== 'awaiting review') return undefined;
    return client
      .withDeadline(Date.now() + answerWithinMs, () => client.workflow.getHandle(id).query(statusQuery))
      .catch(explain(id));
  }

  async function need(id: string, name: string, missing: string): Promise<Artifact> {
    const artifact = outputOf((await recorded(id)).stages, name);
    if (!artifact) throw new Refusal(404, missing);
    return artifact;
  }

  return {
    async list() {
      const awaiting = await rows(
        `WorkflowType = 'lifecycle' AND ExecutionStatus = 'Running' AND ${stageAttribute.name} = 'review'`,
      );
      const newest = await rows(`WorkflowType = 'lifecycle'`);
      const withReview = await Promise.all(
        awaiting.map(async (row) => {
          // A worker that is down must not hide the other rows.
          const status = await statusOf(row.id, row.state).catch(() => undefined);
          return { ...row, ...(status?.awaitingReview ? { review: viewReview(status.awaitingReview) } : {}) };
        }),
      );
      const ids = new Set(awaiting.map(({ id }) => id));
      return { awaiting: withReview, recent: newest.filter(({ id }) => !ids.has(id)) };
    },

    async find(id) {
      const description = await described(id);
      const [record, status] = await Promise.all([recorded(id), statusOf(id, stateOf(description))]);
      const evidence = outputOf(record.stages, 'evidence');
      const shown = evidence && viewEvidence(JSON.parse(await readArtifact(evidence)), record.spec?.evaluate.currency);
      const gate = status?.gate ?? record.gate;
      const request = status?.awaitingReview;
      return {
        id,
        executionRunId: description.runId,
        model: record.spec?.model ?? modelOf(description),
        stage: status?.stage ?? (description.status.name === 'RUNNING' ? 'check' : 'done'),
        state: request ? 'awaiting review' : stateOf(description),
        startedAt: description.startTime.toISOString(),
        decisions: record.decisions,
        delegations: record.delegations,
        comments: record.comments,
        stages: record.stages.map(({ outputs: _outputs, ...stage }) => stage),
        ...defined({
          mlflowRunId: record.inputs?.runId,
          closedAt: description.closeTime?.toISOString(),
          requester: record.spec?.requester,
          baseModel: record.spec?.baseModel,
          endpoint: record.endpoint ?? record.spec?.deploy.endpoint,
          version: record.version,
          review: request && viewReview(request),
          gate: gate && {
            passed: gate.passed,
            findings: gate.findings.map((finding) =>
              shown ? viewFinding(finding, record.spec?.gate ?? [], shown) : finding,
            ),
          },
          evidence: shown,
        }),
      };
    },

    examples: async (id) => examples(await need(id, 'examples', 'This lifecycle has no answers to show yet.')),
    attacks: async (id) => attacks(await need(id, 'attacks', 'This lifecycle has no attacks to show.')),

    async curve(id) {
      const { spec, inputs, stages } = await recorded(id);
      const tune = stages.findLast(({ stage }) => stage === 'tune');
      if (!spec || !inputs || !tune) return { series: [] };
      const runId = await tuneRunOf(spec.model, inputs.runId, tune).catch(explainMlflow);
      if (runId === undefined) return { series: [] };
      const series = await Promise.all(
        curves.map(async (name) => ({
          name,
          points: (await mlflow.runs.metricHistory(runId, name)).map(({ step, value }) => ({ step, value })),
        })),
      );
      return { series: series.filter(({ points }) => points.length > 0) } satisfies CurveView;
    },

    profile: async (id) =>
      viewProfile(JSON.parse(await readArtifact(await need(id, 'profile', 'This lifecycle has no profile yet.')))),
    lineage: async (id) => viewLineage(await recorded(id)),

    review: (id, decision) => tell(id, reviewUpdate, decision),
    delegate: (id, delegation) => tell(id, delegateUpdate, delegation),
    comment: (id, comment) => tell(id, commentUpdate, comment),
  };

  async function tell<Said>(id: string, update: UpdateDefinition<string, [Said]>, said: Said): Promise<string> {
    await described(id);
    return client
      .withDeadline(Date.now() + answerWithinMs, () =>
        client.workflow.getHandle(id).executeUpdate(update, { args: [said] }),
      )
      .catch(explain(id));
  }

  async function rows(query: string): Promise<QueueRow[]> {
    const found: QueueRow[] = [];
    for await (const execution of client.workflow.list({ query, pageSize: shownAtMost })) {
      found.push({
        id: execution.workflowId,
        model: modelOf(execution),
        state: stateOf(execution),
        startedAt: execution.startTime.toISOString(),
      });
      if (found.length === shownAtMost) break;
    }
    return found;
  }

  /** A reused tune has its run in the lifecycle that computed it. Finds that run by the digest of the weights. */
  async function tuneRunOf(model: string, parentRunId: string, tune: StageRecord): Promise<string | undefined> {
    const experiment = await mlflow.experiments.ensure(model);
    const own = { 'mlflow.parentRunId': parentRunId, [tags.stage]: 'tune' };
    const runs = await mlflow.runs.findByTag(experiment, tune.reused ? { [tags.stage]: 'tune' } : own, 'FINISHED');
    return runs.find((run) => digestIn(run.tags[tags.outcome]) === tune.outputs['model']?.digest)?.runId;
  }
}

const curves = ['loss', 'learningRate'];

function digestIn(outcome: string | undefined): string | undefined {
  if (outcome === undefined) return undefined;
  return (JSON.parse(outcome) as { outputs?: Record<string, { digest: string }> }).outputs?.['model']?.digest;
}

type Described = Pick<WorkflowExecutionInfo, 'workflowId' | 'status' | 'typedSearchAttributes'>;

function stateOf({ status, typedSearchAttributes }: Described): LifecycleState {
  switch (status.name) {
    case 'RUNNING':
      return typedSearchAttributes.get(stageAttribute) === 'review' ? 'awaiting review' : 'running';
    case 'COMPLETED':
      return completedState(typedSearchAttributes.get(verdictAttribute));
    case 'CANCELLED':
      return 'cancelled';
    default:
      return 'failed';
  }
}

const completedState = (verdict: string | undefined): LifecycleState =>
  verdict === 'promoted' || verdict === 'unchanged' ? verdict : 'rejected';

const modelOf = ({ typedSearchAttributes, workflowId }: Described): string =>
  typedSearchAttributes.get(modelAttribute) ?? workflowId;

/** Reads a review request from any version: fields that were added later may be missing. */
function viewReview(raw: object): ReviewView {
  const { digest, subject, requester, twoPersonRule, since, deadline, reviewers, approvals } =
    raw as Partial<ReviewView>;
  return {
    digest: digest ?? '',
    twoPersonRule: twoPersonRule ?? false,
    ...defined({ subject, requester, since, deadline, reviewers, approvals }),
  };
}

const missing = (id: string): Refusal => new Refusal(404, `There is no lifecycle ${id}.`);

/** Turns Temporal's errors into a `Refusal` that a person understands. */
function explain(id: string) {
  return (error: unknown): never => {
    if (error instanceof WorkflowNotFoundError) throw missing(id);
    if (error instanceof WorkflowUpdateFailedError) throw new Refusal(409, error.cause?.message ?? error.message);
    if (isGrpcDeadlineError(error))
      throw new Refusal(
        503,
        'No worker answered in time. Reload the page in a moment: the decision may have been recorded.',
      );
    if (error instanceof QueryNotRegisteredError || isGrpcServiceError(error))
      throw new Refusal(503, 'Temporal or its worker does not answer; is the stack up?');
    throw error;
  };
}

function explainMlflow(error: unknown): never {
  if (error instanceof MlflowError && error.kind === 'unreachable')
    throw new Refusal(503, 'MLflow does not answer; is the stack up?');
  throw error;
}

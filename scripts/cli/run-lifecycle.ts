import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { describeWait } from '../../domain/job/job.ts';
import { describeJudge } from '../../domain/spec/llm-judge.ts';
import type { LifecycleResult, LifecycleStatus } from '../../domain/lifecycle/lifecycle.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { taskQueue } from '../../workers/config.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { Progress } from '../report/progress.ts';
import { UserError } from './user-error.ts';

export type LifecycleHandle = WorkflowHandle<typeof lifecycle>;

/** The spec as the file has it: what is wrong with it the lifecycle says, however it was started. */
export async function readSpecFile(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UserError(`There is no spec file ${path}.\nhint: examples/specs/package-summaries.json is one.`);
  });
  try {
    const spec: unknown = JSON.parse(text);
    if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return spec as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${(error as Error).message}`);
  }
  throw new UserError(`${path} must hold one JSON object.`);
}

export interface LifecycleStart {
  readonly spec: Record<string, unknown>;
  readonly requester: string;
  readonly workflowId?: string | undefined;
}

/** Starts it, and says so, and what of it will leave the machine. */
export async function startLifecycle(
  client: Client,
  { spec, requester, workflowId }: LifecycleStart,
  progress: Pick<Progress, 'line'>,
): Promise<LifecycleHandle> {
  const id =
    workflowId ??
    `${typeof spec['model'] === 'string' ? spec['model'] : 'lifecycle'}-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
  try {
    const handle = await client.workflow.start<typeof lifecycle>('lifecycle', {
      taskQueue,
      workflowId: id,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      args: [{ requester, ...spec }],
    });
    progress.line(`lifecycle ${handle.workflowId}`);
    const sent = describeJudge(spec);
    if (sent !== undefined) progress.line(sent);
    return handle;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError)
      throw new UserError(`There is a lifecycle ${id} already.\nhint: choose another --id`);
    throw error;
  }
}

export type Ending =
  | { readonly kind: 'ended'; readonly result: LifecycleResult; readonly status: LifecycleStatus }
  /** Without a status where no worker was there to tell it. */
  | { readonly kind: 'failed'; readonly message: string; readonly status?: LifecycleStatus | undefined }
  /** It goes on: a person has to decide. */
  | { readonly kind: 'awaitingReview'; readonly status: LifecycleStatus };

/** `gate`: no longer than until the gate has decided and a person is awaited. */
export type WaitFor = 'end' | 'gate';

/** Shows what the lifecycle does until it ends. */
export async function followLifecycle(
  handle: LifecycleHandle,
  mlflow: Mlflow,
  progress: Progress,
  waitFor: WaitFor = 'end',
): Promise<Ending> {
  const over = new AbortController();
  const awaited = Promise.withResolvers<Ending>();
  const following = showStages(handle, mlflow, progress, over.signal, (status) => {
    if (waitFor === 'gate' && status.awaitingReview) awaited.resolve({ kind: 'awaitingReview', status });
  });
  try {
    return await Promise.race([endingOf(handle), awaited.promise]);
  } finally {
    over.abort();
    await following;
    progress.done();
  }
}

async function endingOf(handle: LifecycleHandle): Promise<Ending> {
  try {
    const result = await handle.result();
    return { kind: 'ended', result, status: await handle.query(statusQuery) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const status = await handle.query(statusQuery).catch(() => undefined);
    return { kind: 'failed', message: error.cause?.message ?? error.message, status };
  }
}

/** How often a person wants to see a number move. */
const lookEveryMs = 1000;

async function showStages(
  handle: LifecycleHandle,
  mlflow: Mlflow,
  progress: Progress,
  signal: AbortSignal,
  see: (status: LifecycleStatus) => void,
): Promise<void> {
  const shown = new Set<string>();
  const pace: Pace = new Map();
  const say = (key: string, text: string): void => {
    if (shown.has(key)) return;
    shown.add(key);
    progress.line(text);
  };
  while (!signal.aborted) {
    const status = await handle.query(statusQuery).catch(() => undefined);
    if (status && !signal.aborted) {
      for (const { stage, reused, figures } of status.finished)
        say(`${stage} finished`, `${stage}: ${reused ? 'reused, nothing changed' : `done ${showFigures(figures)}`}`);
      if (!['check', 'done'].includes(status.stage))
        say(
          `${status.stage} ${status.attempt}`,
          `${status.stage}${status.attempt > 1 ? `, attempt ${status.attempt}` : ''} …`,
        );
      if (status.waiting) say(describeWait(status.waiting), `${status.stage} ${describeWait(status.waiting)}`);
      if (status.awaitingReview)
        say(
          'review',
          `awaiting a review until ${status.awaitingReview.deadline}: scripts/tuneline review ${handle.workflowId}`,
        );
      see(status);
      await showProgress(status, mlflow, progress, pace).catch(() => undefined);
    }
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The Job's own figures, as it logs them: how far it is, and what it has learnt. */
async function showProgress(
  { model, stage, runId }: LifecycleStatus,
  mlflow: Mlflow,
  progress: Progress,
  pace: Pace,
): Promise<void> {
  if (model === undefined || runId === undefined) return;
  const [run] = await mlflow.runs.findByTag(
    await mlflow.experiments.ensure(model),
    { 'mlflow.parentRunId': runId, [tags.stage]: stage },
    'RUNNING',
  );
  const done = run?.metrics['progress/step'];
  const total = run?.metrics['progress/total'];
  if (run === undefined || done === undefined || total === undefined) return;
  const loss = run.metrics['loss'];
  const left = secondsLeft(pace, { runId: run.runId, done, total });
  progress.detail(
    [
      `${stage} ${done}/${total}`,
      ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
      ...(left === undefined ? [] : [`about ${left} s left`]),
    ].join(', '),
    done,
    total,
  );
}

/** Where each Job was when it was first seen: what it did since tells how fast it goes. */
type Pace = Map<string, { readonly done: number; readonly atMs: number }>;

function secondsLeft(
  pace: Pace,
  { runId, done, total }: { readonly runId: string; readonly done: number; readonly total: number },
): number | undefined {
  const first = pace.get(runId);
  if (first === undefined) pace.set(runId, { done, atMs: performance.now() });
  if (first === undefined || done <= first.done || done >= total) return undefined;
  return Math.ceil((((performance.now() - first.atMs) / (done - first.done)) * (total - done)) / 1000);
}

const showFigures = (figures: Readonly<Record<string, number>>): string =>
  Object.entries(figures)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createJobActivities } from '../../../activities/jobs.ts';
import type { Activities } from '../../../activities/index.ts';
import { jobStageNames, jobStages } from '../../../domain/job/stages.ts';
import { createLocalJobRunner } from '../../../local/job-runner.ts';
import { taskQueue } from '../../../workers/config.ts';
import { createEndpointQueue } from '../../../workers/endpoint-queue.ts';
import { createJobReporter } from '../../../workers/jobs/job-reporter.ts';
import { JobTracker } from '../../../workers/jobs/job-tracker.ts';
import type { Tracing } from '../../../workers/tracing/tracing.ts';
import { fakeActivities } from '../../builders/activities.ts';
import { artifact, fakeArtifacts } from '../../builders/artifacts.ts';
import { fakeTracking } from '../../builders/tracking.ts';
import { bundleWorkflows, createWorker } from '../../support/temporal.ts';

const outputs = Object.fromEntries(
  jobStageNames.flatMap((stage) => jobStages[stage].outputs).map((name) => [name, artifact(name)]),
);

/** What a Job does here: leave what every stage leaves, and say what trace it is of. */
const program = `require('node:fs').writeFileSync(process.env.TUNELINE_TERMINATION_PATH, JSON.stringify({ ok: true, outputs: { ...${JSON.stringify(outputs)}, trace: { uri: process.env.TRACEPARENT ?? 'none', digest: '' } }, figures: {} }));`;

const bundles = { plain: lazily(() => bundleWorkflows()), traced: lazily(() => bundleWorkflows({ traced: true })) };

/** A worker as `workers/worker.ts` makes it, traced or not, with real Jobs; what is no part of a trace is played. */
export async function withWorker<T>(
  environment: TestWorkflowEnvironment,
  tracing: Tracing | undefined,
  during: (parts: { readonly client: Client; readonly changes: readonly unknown[][] }) => Promise<T>,
  given: Partial<Activities> = {},
): Promise<T> {
  const client = new Client({
    connection: environment.connection,
    namespace: environment.client.options.namespace,
    ...(tracing ? { interceptors: tracing.client } : {}),
  });
  const root = await mkdtemp(join(tmpdir(), 'tuneline-traced-'));
  const runner = createLocalJobRunner({
    root,
    command: () => [process.execPath, '-e', program],
    env: {},
    slots: 2,
    graceMs: 300,
  });
  const { tracking, changes } = fakeTracking();
  const reporter = createJobReporter({ client, tracking, runner });
  const tracker = new JobTracker({
    runner,
    reporter: tracing ? tracing.jobs(reporter, () => ({ 'tuneline.gpus': 8 })) : reporter,
    heartbeatMs: 10_000,
    log: () => undefined,
  });
  const traceparent = tracing && { traceparent: () => tracing.traceparent() };
  const { activities } = fakeActivities({
    ...createJobActivities({
      runner,
      tracking,
      artifacts: fakeArtifacts([]),
      track: (request) => tracker.track(request),
      ...traceparent,
    }),
    askEndpoint: (request) => createEndpointQueue(client).ask(request),
    ...given,
  });
  const worker = await createWorker(environment, {
    taskQueue,
    workflowBundle: await bundles[tracing ? 'traced' : 'plain'](),
    activities,
    ...tracing?.worker,
  });
  tracker.start();
  try {
    return await worker.runUntil(() => during({ client, changes }));
  } finally {
    await tracker.stop();
    await rm(root, { recursive: true, maxRetries: 5 });
  }
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

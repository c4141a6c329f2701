import { ActivityCancelledError, ActivityNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Failure, FailureClass } from '../../domain/job/failure.ts';
import type { JobReport } from '../../domain/job/job-request.ts';
import type { JobOutcome, JobRunner } from '../../domain/job/job.ts';
import { linesThatMatter } from '../../domain/job/log-lines.ts';
import { tags, type RunStatus, type Tracking } from '../../domain/lineage/tracking.ts';
import { jobWaitSignal } from '../../workflows/messages.ts';
import { isAwaited } from '../executions.ts';
import type { JobReporter } from './job-tracker.ts';

export interface JobReporterDependencies {
  readonly client: Client;
  readonly tracking: Tracking;
  readonly runner: JobRunner;
}

/** Enough of a log to see why a Job failed, small enough to open in a browser. */
const logTailBytes = 64 * 1024;

/** Reports ended Jobs to MLflow and to the activity that waits in Temporal. */
export function createJobReporter({ client, tracking, runner }: JobReporterDependencies): JobReporter {
  return {
    async keepRecord({ name, runId }, outcome) {
      const failed = outcome.kind === 'failed';
      if (runId === undefined && !failed) return outcome;
      const [log, events] = await Promise.all([runner.logTail(name, logTailBytes), failed ? runner.events(name) : '']);
      const told = failed ? { ...outcome, failure: withLog(outcome.failure, log) } : outcome;
      if (runId === undefined) return told;
      if (log !== '') await tracking.putText(runId, 'job/log.txt', log);
      if (events !== '') await tracking.putText(runId, 'job/events.txt', events);
      await tracking.setTags(
        runId,
        told.kind === 'succeeded'
          ? { [tags.outcome]: JSON.stringify(told) }
          : { [tags.failure]: `${told.failure.class}: ${told.failure.message}` },
      );
      await tracking.endRun(runId, statusOf(told));
      return told;
    },

    async complete({ owner }, outcome) {
      const report: JobReport = { outcome, reused: false };
      return client.activity.complete(owner, report).then(
        () => 'completed',
        (error: unknown) => {
          if (error instanceof ActivityNotFoundError || error instanceof ActivityCancelledError) return 'gone';
          throw error;
        },
      );
    },

    async showWait({ owner, spec }, wait) {
      await client.workflow
        .getHandle(owner.workflowId, owner.runId)
        .signal(jobWaitSignal, { stage: spec.stage, wait })
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },

    async heartbeat(request) {
      try {
        await client.activity.heartbeat(request.owner);
        return 'waiting';
      } catch (error) {
        // A cancelled lifecycle ends its Job itself, by name.
        if (error instanceof ActivityCancelledError) return 'waiting';
        // Between two attempts an activity can't be heartbeaten, and its lifecycle still wants the Job.
        if (error instanceof ActivityNotFoundError)
          return (await isAwaited(client, request.owner)) ? 'waiting' : 'gone';
        throw error;
      }
    },
  };
}

/** Classes whose message often lacks the cause. Lines of the log are added for them. */
const speechless: readonly FailureClass[] = ['Unknown', 'HostOutOfMemory', 'Stalled', 'Deadline', 'BadConfig'];

function withLog(failure: Failure, log: string): Failure {
  const lines = speechless.includes(failure.class)
    ? linesThatMatter(log).filter((line) => !failure.message.includes(line))
    : [];
  return lines.length === 0
    ? failure
    : { ...failure, message: `${failure.message} Its log says:\n${lines.map((line) => `  ${line}\n`).join('')}` };
}

function statusOf(outcome: JobOutcome): RunStatus {
  if (outcome.kind === 'succeeded') return 'FINISHED';
  return outcome.failure.class === 'Deleted' ? 'KILLED' : 'FAILED';
}

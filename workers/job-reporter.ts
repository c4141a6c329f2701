import { ActivityCancelledError, ActivityNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { JobReport } from '../domain/job-request.ts';
import type { JobOutcome, JobRequest, JobRunner } from '../domain/job.ts';
import { tags, type RunStatus, type Tracking } from '../domain/tracking.ts';
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
    async keepEvidence({ name, runId }, outcome) {
      if (runId === undefined) return;
      const log = await runner.logTail(name, logTailBytes);
      if (log !== '') await tracking.putText(runId, 'job/log.txt', log);
      await tracking.setTags(runId, outcome.kind === 'succeeded' ? { [tags.outcome]: JSON.stringify(outcome) } : { [tags.failure]: `${outcome.failure.class}: ${outcome.failure.message}` });
      await tracking.endRun(runId, statusOf(outcome));
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

    async heartbeat(request) {
      try {
        await client.activity.heartbeat(request.owner);
        return 'waiting';
      } catch (error) {
        // A cancelled lifecycle ends its Job itself, by name.
        if (error instanceof ActivityCancelledError) return 'waiting';
        if (error instanceof ActivityNotFoundError) return (await isOpen(request)) ? 'waiting' : 'gone';
        throw error;
      }
    },
  };

  /** Between two attempts an activity can't be heartbeaten, and its lifecycle still wants the Job. */
  async function isOpen({ owner }: JobRequest): Promise<boolean> {
    try {
      const { status } = await client.workflow.getHandle(owner.workflowId, owner.runId).describe();
      return status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

function statusOf(outcome: JobOutcome): RunStatus {
  if (outcome.kind === 'succeeded') return 'FINISHED';
  return outcome.failure.class === 'Deleted' ? 'KILLED' : 'FAILED';
}

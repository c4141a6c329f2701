import { activityInfo, ApplicationFailure, CompleteAsyncError } from '@temporalio/activity';
import { digestOf, stageDigestOf } from '../domain/digest.ts';
import type { JobReport, JobToRun, StageSpec, StageTracking } from '../domain/job-request.ts';
import { JobConflictError, type JobRequest } from '../domain/job.ts';
import { traceTags } from '../domain/job-trace.ts';
import { jobName, type JobIdentity } from '../domain/names.ts';
import { tags } from '../domain/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { findReusable } from './reuse.ts';

type JobDependencies = Pick<Dependencies, 'runner' | 'track' | 'tracking' | 'artifacts' | 'traceparent'>;

export function createJobActivities({ runner, track, tracking, artifacts, traceparent = () => undefined }: JobDependencies) {
  const openRun = (name: string, { stage }: StageSpec, { experiment, parentRunId }: StageTracking, more: Readonly<Record<string, string>>) =>
    tracking.openRun({
      experiment,
      name: stage,
      parentRunId,
      key: { key: tags.job, value: name },
      tags: { [tags.stage]: stage, ...more },
    });

  return {
    /**
     * Makes the Job, or adopts it if it is there already, and ends when the Job does: the tracker
     * completes this activity, which holds no slot meanwhile. A failed Job is a report, not an error.
     */
    async runJob({ identity, spec, maximumSeconds, tracking: record, because }: JobToRun): Promise<JobReport> {
      const name = jobName(identity);
      const parent = traceparent();
      let runId: string | undefined;
      if (record) {
        const stageDigest = stageDigestOf(spec, record.inputDigests);
        const reusable = record.reuse ? await findReusable(record.experiment, stageDigest, { tracking, artifacts }) : undefined;
        if (reusable) return { outcome: reusable, reused: true };
        runId = await openRun(name, spec, record, { [tags.stageDigest]: stageDigest, ...(because ? { [tags.because]: because } : {}), ...traceTags(parent) });
      }
      const { workflowExecution, activityId } = activityInfo();
      const request: JobRequest = {
        name,
        owner: { workflowId: identity.workflowId, runId: workflowExecution?.runId ?? identity.firstExecutionRunId, activityId },
        spec: { ...spec, ...placement(spec, identity, name), ...(runId === undefined ? {} : { runId }), ...(record?.wandb ? { wandb: { project: record.experiment } } : {}) },
        specDigest: digestOf(spec),
        maximumSeconds,
        ...(runId === undefined ? {} : { runId }),
        ...(parent === undefined ? {} : { trace: { parent, askedAtMs: Date.now() } }),
      };
      await runner.create(request).catch((error: unknown) => {
        if (error instanceof JobConflictError) throw ApplicationFailure.nonRetryable(error.message, error.name);
        throw error;
      });
      track(request);
      throw new CompleteAsyncError();
    },

    /** Resolves once the Job is confirmed gone. Idempotent, also for a Job that was never made. */
    async cancelJob(identity: JobIdentity): Promise<void> {
      await runner.cancel(jobName(identity), 'Deleted', 'The lifecycle was cancelled.');
    },
  };

  function placement(spec: StageSpec, identity: JobIdentity, name: string) {
    if (spec.stage === 'noop') return {};
    return {
      output: artifacts.uriOf('jobs', name),
      // Without the attempt: what one attempt saved, the next goes on from.
      ...(spec.stage === 'tune' ? { checkpoints: artifacts.uriOf('checkpoints', jobName({ ...identity, attempt: 0 })) } : {}),
      ...(spec.stage === 'evaluate' ? { cache: artifacts.uriOf('evaluations') } : {}),
    };
  }
}

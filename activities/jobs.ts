import { activityInfo, ApplicationFailure, CompleteAsyncError } from '@temporalio/activity';
import { digestOf, stageDigestOf } from '../domain/digest.ts';
import type { JobReport, JobToRun, StageTracking } from '../domain/job/job-request.ts';
import { findStage, type JobFolder } from '../domain/job/stages.ts';
import { JobConflictError, type JobRequest } from '../domain/job/job.ts';
import { traceTags } from '../domain/job/job-trace.ts';
import { jobName, type JobIdentity } from '../domain/names.ts';
import { tags } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { findReusable } from './reuse.ts';

type JobDependencies = Pick<Dependencies, 'runner' | 'track' | 'tracking' | 'artifacts' | 'traceparent' | 'stages'>;

export function createJobActivities({
  runner,
  track,
  tracking,
  artifacts,
  traceparent = () => undefined,
  stages,
}: JobDependencies) {
  const openRun = (
    name: string,
    stage: string,
    { experiment, parentRunId }: StageTracking,
    more: Readonly<Record<string, string>>,
  ) =>
    tracking.openRun({
      experiment,
      name: stage,
      parentRunId,
      key: { key: tags.job, value: name },
      tags: { [tags.stage]: stage, ...more },
    });

  return {
    /**
     * Creates the Job, or adopts an existing one. The activity ends when the Job ends: the tracker completes it, so
     * that it needs no worker slot meanwhile. A failed Job is a report, not an error.
     */
    async runJob({ identity, spec, maximumSeconds, tracking: record, because }: JobToRun): Promise<JobReport> {
      const name = jobName(identity);
      const parent = traceparent();
      const stageDigest = stageDigestOf(spec, record.inputDigests);
      const reusable = record.reuse
        ? await findReusable(record.experiment, stageDigest, { tracking, artifacts })
        : undefined;
      if (reusable) return { outcome: reusable, reused: true };
      const runId = await openRun(name, spec.stage, record, {
        [tags.stageDigest]: stageDigest,
        ...(because ? { [tags.because]: because } : {}),
        ...traceTags(parent),
      });
      const { workflowExecution, activityId } = activityInfo();
      const request: JobRequest = {
        name,
        owner: {
          workflowId: identity.workflowId,
          runId: workflowExecution?.runId ?? identity.firstExecutionRunId,
          activityId,
        },
        spec: {
          ...spec,
          ...foldersOf(spec.stage, identity, name),
          runId,
          ...(record.wandb ? { wandb: { project: record.experiment } } : {}),
        },
        specDigest: digestOf(spec),
        maximumSeconds,
        runId,
        ...(parent === undefined ? {} : { trace: { parent, askedAtMs: Date.now() } }),
      };
      await runner.create(request).catch((error: unknown) => {
        if (error instanceof JobConflictError) throw ApplicationFailure.nonRetryable(error.message, error.name);
        throw error;
      });
      track(request);
      throw new CompleteAsyncError();
    },

    /** Resolves after the Job is confirmed gone. Idempotent, also for a Job that was never created. */
    async cancelJob(identity: JobIdentity): Promise<void> {
      await runner.cancel(jobName(identity), 'Deleted', 'The lifecycle was cancelled.');
    },
  };

  /** The folders that the stage table lists for the stage. */
  function foldersOf(stage: string, identity: JobIdentity, name: string): Partial<Record<JobFolder, string>> {
    const uris: Record<JobFolder, () => string> = {
      output: () => artifacts.uriOf('jobs', name),
      // The name has no attempt, because each attempt resumes from the checkpoints of the one before.
      checkpoints: () => artifacts.uriOf('checkpoints', jobName({ ...identity, attempt: 0 })),
      cache: () => artifacts.uriOf('evaluations'),
    };
    return Object.fromEntries((findStage(stage, stages)?.folders ?? []).map((folder) => [folder, uris[folder]()]));
  }
}

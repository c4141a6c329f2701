import { PatchStrategy, setHeaderOptions, type V1Job } from '@kubernetes/client-node';
import type { JobOwner, JobRequest, Wait } from '../../domain/job/job.ts';
import { ownerAnnotations } from '../manifests/job.ts';
import { labels } from '../names.ts';

/** The kind and the name in an event's `involvedObject`. */
export interface ObjectName {
  readonly kind: string;
  readonly name: string;
}

/**
 * One way to run a request: as a Job that the runner creates (`single-jobs.ts`), or as a JobSet whose controller
 * creates the Job (`job-sets.ts`). A parameter `name` is always the name of the request.
 */
export interface JobKind {
  /** The name of the batch/v1 Job that runs the request. */
  jobNameOf(name: string): string;
  /** The objects, other than pods, whose events belong to the Job. */
  objectsOf(name: string): readonly ObjectName[];
  /** Creates the Job. Undefined if the name is taken. */
  create(request: JobRequest): Promise<V1Job | undefined>;
  /** Creates what a Job needs beside it, in case its creator crashed before that. Idempotent. */
  createCompanions(job: V1Job): Promise<void>;
  /** Why a request that was created has no Job yet. Undefined if it was not created. */
  waitForJob(name: string): Promise<Wait | undefined>;
  /** True if this is the requested Job. False if a controller created it in place of a deleted one. */
  isOriginal(job: V1Job): Promise<boolean>;
  /** True if `isOriginal` has confirmed the Job before. Sends no request. */
  isKnownOriginal(job: V1Job): boolean;
  /** Makes the Job open for this owner, and cancels its deletion. */
  reopen(job: V1Job, owner: JobOwner): Promise<V1Job>;
  /**
   * Marks the Job as reported, and has the cluster delete it after `keptSeconds`. Undefined if there is no such Job.
   */
  close(name: string, keptSeconds: number): Promise<V1Job | undefined>;
  /** Deletes the Job now, its pods first. Idempotent. */
  delete(job: V1Job): Promise<void>;
  /** Deletes whatever could still create the Job. Resolves with whether there was anything. */
  deleteCreator(name: string): Promise<boolean>;
}

/** Merges a patch into an object, so that `null` removes a field. */
export const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

export const openPatch = (owner: JobOwner) => ({
  metadata: { labels: { [labels.open]: 'true' }, annotations: ownerAnnotations(owner) },
  spec: { ttlSecondsAfterFinished: null },
});

export const closedLabels = { labels: { [labels.open]: null } };

import type { ActivityOptions, LocalActivityOptions, RetryPolicy } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';

/** A service that is down is waited for, however long; what can't succeed says so and is not retried. */
const patient: RetryPolicy = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' };

/** Reads a few small files: the person who started it is waiting for the answer. */
export const checking: LocalActivityOptions = {
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 3 },
};

/** A few REST calls, and at most a hash over the weights. */
export const recording: ActivityOptions = { startToCloseTimeout: '2 minutes', retry: patient };

/** The same while clients are served, or somebody is waiting: a worker that died is noticed in seconds. */
export const looking: ActivityOptions = { ...recording, heartbeatTimeout: '15s' };

/**
 * The Job has its own deadline; this only bounds a Job that no worker ever came back for. The
 * heartbeat timeout covers a worker that died before the Job was made: another one then makes it.
 */
export const jobHeartbeatTimeoutMs = 120_000;
export const running: ActivityOptions = {
  startToCloseTimeout: '30 days',
  heartbeatTimeout: jobHeartbeatTimeoutMs,
  // The workflow ends the Job itself, by name, and need not wait for a heartbeat to carry the news.
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: patient,
};

/** SIGTERM, a checkpoint, SIGKILL, and the job record kept. */
export const ending: ActivityOptions = { startToCloseTimeout: '5 minutes', retry: patient };

/** A model of any size has to load and answer; a worker that died meanwhile is noticed in seconds. */
export const starting: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15s',
  retry: { ...patient, maximumAttempts: 5 },
};

/** An hour of a registry that is down is waited for; then what was before is put back, for however long that takes. */
export const promoting: ActivityOptions = { startToCloseTimeout: '30 minutes', heartbeatTimeout: '15s', scheduleToCloseTimeout: '1 hour', retry: patient };
export const restoring: ActivityOptions = { startToCloseTimeout: '30 minutes', heartbeatTimeout: '15s', retry: patient };

/** A window that can't be looked at goes on, and is looked at later: what is asked of the endpoint must not wait for that. */
export const watching: ActivityOptions = { startToCloseTimeout: '1 minute', retry: { ...patient, maximumAttempts: 4 } };

/** Who is told late is told better than never, but a webhook that is broken holds up the end of a lifecycle for two minutes at most. */
export const telling: ActivityOptions = {
  startToCloseTimeout: '15s',
  // By attempts, not by the clock: a worker that is away for an hour still tells when it is back.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 6 },
};

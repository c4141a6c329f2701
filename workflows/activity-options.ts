import type { ActivityOptions, LocalActivityOptions, RetryPolicy } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';

/**
 * Waits for a service that is down, however long it takes. Activities mark failures that a retry can't fix as
 * non-retryable.
 */
const patient: RetryPolicy = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' };

/** Reads a few small files. The limits are short, because the person who started the lifecycle waits for the answer. */
export const specChecks: LocalActivityOptions = {
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 3 },
};

/** A few REST calls, and at most a hash over the weights. */
export const trackingCalls: ActivityOptions = { startToCloseTimeout: '2 minutes', retry: patient };

/**
 * Like `trackingCalls`, for calls while clients are served or a person waits. The heartbeat shows a dead worker within
 * seconds.
 */
export const endpointCalls: ActivityOptions = { ...trackingCalls, heartbeatTimeout: '15s' };

/**
 * The Job has its own deadline, so this timeout only ends the wait for a Job that no worker took over again. The
 * heartbeat timeout covers a worker that died before it created the Job: another worker then creates it.
 */
export const jobHeartbeatTimeoutMs = 120_000;
export const running: ActivityOptions = {
  startToCloseTimeout: '30 days',
  heartbeatTimeout: jobHeartbeatTimeoutMs,
  // The workflow ends the Job itself, by name, so it need not wait for a heartbeat to deliver the cancellation.
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: patient,
};

/** Long enough for SIGTERM, a checkpoint, SIGKILL and the job record. */
export const jobCancellations: ActivityOptions = { startToCloseTimeout: '5 minutes', retry: patient };

/** Long enough for a model of any size to load and answer. The heartbeat shows a dead worker within seconds. */
export const releaseSteps: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15s',
  retry: { ...patient, maximumAttempts: 5 },
};

/** Waits an hour for a registry that is down. After that the workflow restores what served before. */
export const promoting: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15s',
  scheduleToCloseTimeout: '1 hour',
  retry: patient,
};
export const restoring: ActivityOptions = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15s',
  retry: patient,
};

/** Few attempts: a window that can't be read now is read later, and requests to the endpoint must not wait for it. */
export const monitoringCalls: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  retry: { ...patient, maximumAttempts: 4 },
};

/** Retries for at most two minutes, because a broken webhook delays the end of a lifecycle. */
export const notifications: ActivityOptions = {
  startToCloseTimeout: '15s',
  // Limited by attempts, not by time: a worker that was down for an hour still sends the notification.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 6 },
};

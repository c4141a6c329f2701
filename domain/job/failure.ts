/** The reason why a Job failed. The class alone decides the next step; the message is for people. */
export type FailureClass =
  | 'BadSpec'
  | 'BadData'
  | 'HostOutOfMemory'
  | 'GpuOutOfMemory'
  | 'Unavailable'
  | 'Evicted'
  | 'Preempted'
  | 'NodeLost'
  | 'ImagePull'
  | 'BadConfig'
  | 'Unschedulable'
  | 'Deadline'
  | 'Stalled'
  | 'Deleted'
  | 'Unknown';

export interface Failure {
  readonly class: FailureClass;
  readonly message: string;
}

interface Policy {
  /** `resume` starts the next attempt from the last checkpoint; `retrySmaller` also reduces the micro-batch. */
  readonly action: 'fail' | 'retry' | 'resume' | 'retrySmaller';
  /** Another Job took the place, or the node broke. This does not count as a failure of the Job. */
  readonly disruption?: true;
  readonly remedy: string;
}

export const failurePolicies: Readonly<Record<FailureClass, Policy>> = {
  BadSpec: { action: 'fail', remedy: 'Correct the field named above and start again.' },
  BadData: { action: 'fail', remedy: 'Correct the rows or columns named above and start again.' },
  HostOutOfMemory: {
    action: 'retrySmaller',
    remedy: 'Lower tune.batchSize or tune.maxTokens, or give the Job more memory.',
  },
  GpuOutOfMemory: { action: 'retrySmaller', remedy: 'Lower tune.batchSize or tune.maxTokens, or use a larger GPU.' },
  Unavailable: {
    action: 'resume',
    remedy: 'Bring back the service named above; the next attempt goes on from the checkpoint.',
  },
  Evicted: {
    action: 'resume',
    disruption: true,
    remedy: 'Nothing to do: the next attempt goes on from the checkpoint.',
  },
  Preempted: {
    action: 'resume',
    disruption: true,
    remedy: 'Nothing to do: the next attempt goes on from the checkpoint.',
  },
  NodeLost: {
    action: 'resume',
    disruption: true,
    remedy: 'Nothing to do: the next attempt goes on from the checkpoint.',
  },
  ImagePull: { action: 'fail', remedy: 'Check the image name and the pull secret.' },
  BadConfig: { action: 'fail', remedy: 'Check the runner configuration with the message above.' },
  Unschedulable: { action: 'fail', remedy: 'Ask for fewer GPUs, or add nodes that have them.' },
  Deadline: { action: 'fail', remedy: "Raise the stage's maximumSeconds, or give it less to do." },
  Stalled: { action: 'resume', remedy: 'Look at the log for the last step it finished.' },
  Deleted: { action: 'fail', remedy: 'Start again if that was not meant.' },
  Unknown: { action: 'retry', remedy: 'Read the end of the log below.' },
};

/**
 * The maximum number of attempts after failures of the Job itself. Each attempt that resumes from a checkpoint has less
 * work left.
 */
export const maximumFailures = 3;
/** Give up after this many disruptions: a place that is so unreliable can't train a model. */
export const maximumDisruptions = 20;

/** The numbers of failed and of disrupted attempts so far. */
export interface Tally {
  readonly failures: number;
  readonly disruptions: number;
}

/** Returns the tally including this failure; undefined if a retry would not help or the limit is reached. */
export function tryAgainAfter(failure: Failure, before: Tally): Tally | undefined {
  const { action, disruption } = failurePolicies[failure.class];
  if (action === 'fail') return undefined;
  const tally = disruption
    ? { ...before, disruptions: before.disruptions + 1 }
    : { ...before, failures: before.failures + 1 };
  return tally.failures < maximumFailures && tally.disruptions < maximumDisruptions ? tally : undefined;
}

export const describeFailure = (failure: Failure): string =>
  `${failure.class}: ${failure.message} ${failurePolicies[failure.class].remedy}`;

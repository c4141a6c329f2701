/**
 * Why a Job failed. The class alone decides what happens next; the message says it to a person.
 */
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
  /** `resume` starts the next attempt from the last checkpoint; `retrySmaller` halves the micro-batch too. */
  readonly action: 'fail' | 'retry' | 'resume' | 'retrySmaller';
  /** Others needed the place, or it broke: no failure of the Job. */
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

/** A Job that fails by itself is started so often in all; a checkpoint makes each attempt cheaper than the last. */
export const maximumFailures = 3;
/** A place that is taken away so often is no place to train. */
export const maximumDisruptions = 20;

/** How the attempts so far ended. */
export interface Tally {
  readonly failures: number;
  readonly disruptions: number;
}

/** The tally with this failure, or undefined where trying again would not help or has been tried enough. */
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

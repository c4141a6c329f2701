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
  readonly remedy: string;
}

export const failurePolicies: Readonly<Record<FailureClass, Policy>> = {
  BadSpec: { action: 'fail', remedy: 'Correct the field named above and start again.' },
  BadData: { action: 'fail', remedy: 'Correct the rows or columns named above and start again.' },
  HostOutOfMemory: { action: 'retrySmaller', remedy: 'Lower tune.batchSize or tune.maxTokens, or give the Job more memory.' },
  GpuOutOfMemory: { action: 'retrySmaller', remedy: 'Lower tune.batchSize or tune.maxTokens, or use a larger GPU.' },
  Unavailable: { action: 'resume', remedy: 'Bring back the service named above; the next attempt goes on from the checkpoint.' },
  Evicted: { action: 'resume', remedy: 'Nothing to do: the next attempt goes on from the checkpoint.' },
  Preempted: { action: 'resume', remedy: 'Nothing to do: the next attempt goes on from the checkpoint.' },
  NodeLost: { action: 'resume', remedy: 'Nothing to do: the next attempt goes on from the checkpoint.' },
  ImagePull: { action: 'fail', remedy: 'Check the image name and the pull secret.' },
  BadConfig: { action: 'fail', remedy: 'Check the runner configuration with the message above.' },
  Unschedulable: { action: 'fail', remedy: 'Ask for fewer GPUs, or add nodes that have them.' },
  Deadline: { action: 'fail', remedy: 'Raise the stage\'s maximumSeconds, or give it less to do.' },
  Stalled: { action: 'resume', remedy: 'Look at the log for the last step it finished.' },
  Deleted: { action: 'fail', remedy: 'Start again if that was not meant.' },
  Unknown: { action: 'retry', remedy: 'Read the end of the log below.' },
};

/** One first try and so many more, whatever the class; a checkpoint makes each cheaper than the last. */
export const maximumAttempts = 3;

/** The next attempt's number, or undefined where trying again would not help or has been tried enough. */
export function nextAttempt(failure: Failure, attempt: number): number | undefined {
  const { action } = failurePolicies[failure.class];
  return action === 'fail' || attempt >= maximumAttempts ? undefined : attempt + 1;
}

export const describeFailure = (failure: Failure): string =>
  `${failure.class}: ${failure.message} ${failurePolicies[failure.class].remedy}`;

import type { FailureClass } from '../../domain/job/failure.ts';
import type { JobReport } from '../../domain/job/job-request.ts';
import { artifact } from './artifacts.ts';

/** A Job that left one artifact under each name. */
export const succeeded = (...outputs: readonly string[]): JobReport => ({
  outcome: {
    kind: 'succeeded',
    outputs: Object.fromEntries(outputs.map((name) => [name, artifact(name)])),
    figures: {},
  },
  reused: false,
});

export const failed = (failureClass: FailureClass, message = `A ${failureClass} happened.`): JobReport => ({
  outcome: { kind: 'failed', failure: { class: failureClass, message } },
  reused: false,
});

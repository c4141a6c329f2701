import type { Failure, FailureClass } from './failure.ts';
import { exitCodes, type Artifact, type CancelCause, type JobOutcome } from './job.ts';

/** The facts about a process that has ended. */
export interface Ending {
  /** Undefined if the process vanished without an exit code. */
  readonly exitCode: number | undefined;
  /** The outcome that the process wrote, unparsed; undefined if it wrote none. */
  readonly message: string | undefined;
  /** Set if Tuneline ended the process. */
  readonly cancelled?: { readonly cause: CancelCause; readonly reason: string };
}

const classByExitCode: Readonly<Record<number, FailureClass>> = {
  [exitCodes.badSpec]: 'BadSpec',
  [exitCodes.badData]: 'BadData',
  [exitCodes.tryAgain]: 'Unavailable',
  [exitCodes.killed]: 'Evicted',
  [exitCodes.terminated]: 'Evicted',
};

/** Classifies an ended Job. A cancellation that came after the success was written does not change the success. */
export function classifyEnding({ exitCode, message, cancelled }: Ending): JobOutcome {
  const reported = message === undefined ? undefined : parseReport(message);
  // The outcome is written last and as a whole, so it counts even if the exit code was lost.
  if ((exitCode === exitCodes.done || exitCode === undefined) && reported?.kind === 'succeeded') return reported;
  if (cancelled) return failed({ class: cancelled.cause, message: cancelled.reason });
  if (reported?.kind === 'failed') return reported;
  if (exitCode === undefined)
    return failed({ class: 'Evicted', message: 'The process vanished without an exit code.' });
  if (exitCode === exitCodes.done)
    return failed({ class: 'Unknown', message: 'The process ended well but reported no outcome.' });
  return failed({
    class: classByExitCode[exitCode] ?? 'Unknown',
    message: `The process ended with exit code ${exitCode}.`,
  });
}

const failed = (failure: Failure): JobOutcome => ({ kind: 'failed', failure });

function parseReport(message: string): JobOutcome | undefined {
  let report: unknown;
  try {
    report = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!isRecord(report)) return undefined;
  if (report['ok'] === true && isRecord(report['outputs']) && isRecord(report['figures']))
    return {
      kind: 'succeeded',
      outputs: report['outputs'] as Record<string, Artifact>,
      figures: report['figures'] as Record<string, number>,
    };
  const failure = report['failure'];
  if (
    report['ok'] === false &&
    isRecord(failure) &&
    typeof failure['class'] === 'string' &&
    typeof failure['message'] === 'string'
  )
    return failed({ class: knownClass(failure['class']), message: failure['message'] });
  return undefined;
}

const reportable: readonly FailureClass[] = [
  'BadSpec',
  'BadData',
  'HostOutOfMemory',
  'GpuOutOfMemory',
  'Unavailable',
  'NodeLost',
  'Stalled',
  'Unknown',
];
const knownClass = (name: string): FailureClass => reportable.find((c) => c === name) ?? 'Unknown';

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

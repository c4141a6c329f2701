import { cancelled } from '@temporalio/activity';
import type { Activities } from '../../activities/index.ts';
import type { JobReport } from '../../domain/job/job-request.ts';
import { jobStages, type JobStage } from '../../domain/job/stages.ts';
import { artifact } from './artifacts.ts';
import { between, evidenceOf } from './evidence.ts';
import { inputs } from './inputs.ts';
import { candidateOf } from './releases.ts';
import { succeeded } from './job-reports.ts';
import { digestOfSubject, subject } from './reviews.ts';
import { checked } from './specs.ts';

/** Typed so that `args` follows from `name`. */
export type Call = {
  [Name in keyof Activities]: { readonly name: Name; readonly args: Parameters<Activities[Name]> };
}[keyof Activities];

/** What the Jobs of a stage report, attempt by attempt; whatever is not listed succeeds. */
export const scriptedJobs =
  (script: Partial<Record<JobStage, readonly JobReport[]>> = {}): Activities['runJob'] =>
  ({ identity, spec }) => {
    const stage = spec.stage as JobStage;
    return Promise.resolve(script[stage]?.[identity.attempt - 1] ?? succeeded(...jobStages[stage].outputs));
  };

/** Everything goes well, and a BLEU of 9 to 11 passes what `specInput` asks for. */
const goingWell = {
  checkSpec: (raw) => Promise.resolve(checked(raw)),
  findUnchanged: () => Promise.resolve(undefined),
  openLifecycle: () => Promise.resolve(inputs()),
  closeLifecycle: () => Promise.resolve(),
  runJob: scriptedJobs(),
  cancelJob: () => Promise.resolve(),
  readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(9, 11) } })),
  recordVerdict: () => Promise.resolve(),
  openReview: () => Promise.resolve({ subject: subject(), digest: digestOfSubject }),
  verifySubject: () => Promise.resolve([]),
  closeReview: () => Promise.resolve(),
  findMissedReleases: () => Promise.resolve([]),
  tellTeam: () => Promise.resolve('sent' as const),
  findChampion: () => Promise.resolve(undefined),
  registerVersion: () => Promise.resolve('1'),
  recordRelease: () => Promise.resolve(),
  askEndpoint: () => Promise.resolve(),
  withdrawRelease: () => Promise.resolve(),
  readCandidate: ({ model, version = '1' }) => Promise.resolve(candidateOf({ model, version })),
  startRelease: () => Promise.resolve(),
  tryRelease: () => Promise.resolve([]),
  loadTest: () => Promise.resolve([]),
  splitTraffic: () => Promise.resolve(),
  checkCanary: () => Promise.resolve({ passed: true, requests: 0, findings: [] }),
  readServingState: () => Promise.resolve({}),
  applyServingState: ({ endpoint }) => Promise.resolve(`http://127.0.0.1/${endpoint}`),
  noteRefusal: () => Promise.resolve(),
  openMonitoring: (_release, { runId }) =>
    Promise.resolve({
      runId: 'monitoring-run',
      lifecycleRunId: runId,
      profileDigest: artifact('profile').digest,
      trainedAtMs: 0,
    }),
  observeWindow: ({ state }) => Promise.resolve({ requests: 100, closed: true, state, begun: [], ended: [] }),
  findOrphans: () => Promise.resolve([]),
  endOrphans: () => Promise.resolve(),
  pauseFailingSchedule: () => Promise.resolve(),
} satisfies Activities;

export interface FakeActivities {
  readonly activities: Activities;
  readonly calls: readonly Call[];
  /** The arguments of each call of one activity, in order. */
  argumentsOf<Name extends keyof Activities>(name: Name): Parameters<Activities[Name]>[];
}

/** Activities that note each call. `before` sees a call first and may hold it up. */
export function fakeActivities(
  given: Partial<Activities> = {},
  before?: (call: Call) => Promise<void>,
): FakeActivities {
  const calls: Call[] = [];
  const noting = Object.entries({ ...goingWell, ...given }).map(([name, fake]) => [
    name,
    async (...args: unknown[]): Promise<unknown> => {
      const call = { name, args } as Call;
      calls.push(call);
      await before?.(call);
      return (fake as (...args: unknown[]) => Promise<unknown>)(...args);
    },
  ]);
  return {
    activities: Object.fromEntries(noting) as Activities,
    calls,
    argumentsOf: <Name extends keyof Activities>(name: Name) =>
      calls.filter((call) => call.name === name).map((call) => call.args as Parameters<Activities[Name]>),
  };
}

/** A point where an activity stands until the test, or the worker's end, lets it go on. */
export function stop() {
  const reached = Promise.withResolvers<undefined>();
  const released = Promise.withResolvers<undefined>();
  return {
    reached: reached.promise,
    reach: () => reached.resolve(undefined),
    release: () => released.resolve(undefined),
    async hold(): Promise<void> {
      reached.resolve(undefined);
      await Promise.race([released.promise, cancelled()]);
    },
  };
}

/** The version that `champion` names, with the weights of that name. */
export const championOf = (weights: string) => ({ version: '1', weights: artifact(weights) });

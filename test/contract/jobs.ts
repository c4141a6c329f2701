import { digestOf } from '../../domain/digest.ts';
import type { JobOutcome, JobRequest, JobRunner, JobState } from '../../domain/job/job.ts';
import { until } from '../support/until.ts';

/** What a Job of the suite does; a harness knows how to make its runner run that. */
export type Behaviour =
  | { readonly does: 'succeed'; readonly value: string }
  | { readonly does: 'exit'; readonly code: number }
  | { readonly does: 'report'; readonly outcome: unknown; readonly code: number }
  | { readonly does: 'sleep' }
  | { readonly does: 'ignore SIGTERM' }
  | { readonly does: 'print'; readonly lines: number };

/** What a Job reports that succeeds with this value: the value is the address of its one output. */
export const said = (value: string) => ({ outputs: { said: { uri: value, digest: '' } }, figures: {} });
export const saying = (value: string): JobOutcome => ({ kind: 'succeeded', ...said(value) });

let made = 0;

export const jobOf = (behaviour: Behaviour): JobRequest => jobOn(1, behaviour);

export function jobOn(nodes: number, behaviour: Behaviour): JobRequest {
  made += 1;
  const spec = {
    stage: behaviour.does.replace(/\W/g, '-').toLowerCase(),
    ...behaviour,
    ...(nodes > 1 ? { nodes } : {}),
  };
  return {
    name: `tl-contract-${process.pid}-${made}`,
    owner: { workflowId: 'contract', runId: 'run', activityId: String(made) },
    spec,
    specDigest: digestOf(spec),
    maximumSeconds: 600,
  };
}

/** Waits for hints and reads, as the tracker does. */
export async function finished(runner: JobRunner, name: string) {
  const state = await phase(runner, name, 'finished');
  return state.outcome;
}

/** Looks at a Job until it is as wanted. */
export const untilSaid = <T>(
  runner: JobRunner,
  name: string,
  wanted: (state: JobState) => T | undefined | false,
): Promise<T> =>
  until(async () => {
    const state = await runner.read(name).catch(lostContact);
    return state && wanted(state);
  });

/** A connection that the server closed is followed by the next look, as the tracker's is. */
function lostContact(error: unknown): undefined {
  if ((error as Error).message !== 'fetch failed') throw error;
}

export async function phase<P extends JobState['phase']>(
  runner: JobRunner,
  name: string,
  wanted: P,
): Promise<Extract<JobState, { phase: P }>> {
  const over = new AbortController();
  const looking = setInterval(() => void look().catch(reject), 50);
  const { promise, resolve, reject } = Promise.withResolvers<Extract<JobState, { phase: P }>>();
  async function look(): Promise<void> {
    const state = await runner.read(name).catch(lostContact);
    if (state?.phase === wanted) resolve(state as Extract<JobState, { phase: P }>);
  }
  void (async () => {
    // The start of a Job gives no hint, its end does; the interval stands for the tracker's own rounds.
    for await (const hint of runner.watch(over.signal)) if (hint === name) await look();
  })().catch(reject);
  try {
    return await promise;
  } finally {
    clearInterval(looking);
    over.abort();
  }
}

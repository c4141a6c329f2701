import { checkWait } from '../../domain/job/wait-limits.ts';
import type { JobOutcome, JobRequest, JobRunner, JobState, Wait } from '../../domain/job/job.ts';
import { pause, repeatUntilDone, type Backoff } from './backoff.ts';
import { TrackedJob } from './tracked-job.ts';

/** Tells MLflow and the waiting lifecycle about a Job. */
export interface JobReporter {
  /**
   * Keeps log tail, events and outcome in MLflow, where they outlive the Job. Idempotent. Rejects if MLflow can't be
   * reached. Resolves with the outcome; its message may have gained lines of the log.
   */
  keepRecord(request: JobRequest, outcome: JobOutcome): Promise<JobOutcome>;
  /** Shows in the lifecycle what the Job waits for. Undefined: the Job waits no longer. */
  showWait(request: JobRequest, wait: Wait | undefined): Promise<void>;
  /** Completes the waiting activity. Idempotent. `gone`: no activity waits. Rejects if Temporal can't be reached. */
  complete(request: JobRequest, outcome: JobOutcome): Promise<'completed' | 'gone'>;
  /** Heartbeats the waiting activity. `gone`: no activity waits, and no lifecycle wants the Job. */
  heartbeat(request: JobRequest): Promise<'waiting' | 'gone'>;
}

export interface JobTrackerOptions {
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** A quarter of the activity's heartbeat timeout, so that one lost heartbeat does not time the activity out. */
  readonly heartbeatMs: number;
  /** The pause after a failure. Each further failure doubles it. */
  readonly firstPauseMs?: number | undefined;
}

const deletedFromOutside: JobOutcome = {
  kind: 'failed',
  failure: { class: 'Deleted', message: 'The Job was deleted from outside before it ended.' },
};

const defaultPauseMs = 250;
/** The API server may be restarting: more workers should not ask it more often than this. */
const longestWatchPauseMs = 10_000;
/** An activity waits for each report, so it is retried sooner than a watch. */
const longestReportPauseMs = 5000;

/**
 * Every container takes a moment to start. Shorter waits are not shown, to spare two events of history for each Job.
 */
const quickStartMs = 10_000;

/** In sequence, the heartbeats of thousands of Jobs would take longer than the heartbeat timeout. */
const parallelHeartbeats = 8;

/**
 * Watches every open Job of a runner and reports each end once. It keeps no state that the runner does not hold: after
 * a restart it continues from `listOpen`.
 */
export class JobTracker {
  readonly #options: JobTrackerOptions;
  readonly #jobs = new Map<string, TrackedJob>();
  readonly #stop = new AbortController();
  #loops: Promise<unknown> | undefined;

  constructor(options: JobTrackerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loops ??= Promise.all([this.#watch(), this.#heartbeat()]);
  }

  /** Stops watching. Jobs continue; the next tracker finds them. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await Promise.all([...this.#jobs.values()].flatMap((job) => job.report ?? []));
  }

  /** Tracks a Job that was just created or adopted. */
  track(request: JobRequest): void {
    this.#jobOf(request.name).see(request);
    void this.#check(request.name);
  }

  async #watch(): Promise<void> {
    const { runner } = this.#options;
    await repeatUntilDone(this.#backoff(longestWatchPauseMs, 'the Job watch broke off and starts again'), async () => {
      const hints = runner.watch(this.#stop.signal);
      for (const request of await runner.listOpen()) {
        this.#jobOf(request.name).list(request);
        void this.#check(request.name);
      }
      for await (const name of hints) void this.#check(name);
      return false;
    });
  }

  async #check(name: string, isWanted = true): Promise<void> {
    const job = this.#jobOf(name);
    await job.look(
      () => this.#look(job, isWanted),
      () => this.#look(job, true),
    );
    this.#removeIdle(job);
  }

  /** A hint says only "look": the verdict comes from a read. */
  async #look(job: TrackedJob, isWanted: boolean): Promise<void> {
    const { runner, log } = this.#options;
    const { name } = job;
    if (job.report) return;
    try {
      const request = job.request ?? (await runner.findOpen(name));
      if (request === undefined) return;
      job.list(request);
      if (!isWanted) await runner.cancel(name, 'Deleted', 'The lifecycle that asked for it has ended.');
      await this.#act(job, request, await runner.read(name));
    } catch (error) {
      // Losing contact is a state, not a failure: the next heartbeat round looks again.
      log('could not read a Job', { job: name, error: String(error) });
    }
  }

  async #act(job: TrackedJob, request: JobRequest, state: JobState): Promise<void> {
    switch (state.phase) {
      case 'queued':
        if (state.wait) await this.#enforceClocks(request, state.wait);
        job.see(request);
        return this.#showWait(job, request, state.wait);
      case 'running':
        await this.#enforceDeadline(request, state.sinceMs);
        job.see(request);
        return this.#showWait(job, request, undefined);
      case 'finished':
        // Another worker may have reported it since the hint.
        if (state.acknowledged) job.drop();
        else this.#report(job, request, state.outcome);
        return;
      case 'absent':
        if (job.isSeen) this.#report(job, request, deletedFromOutside);
        else job.drop();
    }
  }

  async #enforceDeadline({ name, maximumSeconds }: JobRequest, sinceMs: number): Promise<void> {
    if (Date.now() - sinceMs < maximumSeconds * 1000) return;
    await this.#options.runner.cancel(name, 'Deadline', `It ran longer than ${maximumSeconds} seconds.`);
  }

  async #enforceClocks({ name }: JobRequest, wait: Wait): Promise<void> {
    const verdict = checkWait(wait, Date.now());
    if (verdict) await this.#options.runner.cancel(name, verdict.cause, verdict.reason);
  }

  async #showWait(job: TrackedJob, request: JobRequest, wait: Wait | undefined): Promise<void> {
    if (wait?.for === 'start' && Date.now() - wait.sinceMs < quickStartMs) {
      void pause(quickStartMs, this.#stop.signal).then(() => this.#check(job.name));
      return;
    }
    if (!job.isNews(wait, Date.now())) return;
    await this.#options.reporter.showWait(request, wait);
    job.markShown(wait, Date.now());
  }

  #report(job: TrackedJob, request: JobRequest, outcome: JobOutcome): void {
    job.startReport(() => this.#reportUntilDone(job, request, outcome));
    void job.report?.then(() => this.#removeIdle(job));
  }

  async #reportUntilDone(job: TrackedJob, request: JobRequest, outcome: JobOutcome): Promise<void> {
    const { runner, reporter } = this.#options;
    const message = 'could not report the end of a Job yet';
    await repeatUntilDone(this.#backoff(longestReportPauseMs, message, { job: job.name }), async () => {
      await reporter.complete(request, await reporter.keepRecord(request, outcome));
      await runner.acknowledge(job.name);
      job.drop();
      return true;
    });
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await pause(this.#options.heartbeatMs, this.#stop.signal);
      const round = this.#jobs.values();
      await Promise.all(Array.from({ length: parallelHeartbeats }, () => this.#heartbeatEach(round)));
    }
  }

  /** Several of these share one iterator, so that each Job gets one heartbeat a round. */
  async #heartbeatEach(jobs: Iterable<TrackedJob>): Promise<void> {
    for (const { name, request } of jobs) {
      if (this.#stop.signal.aborted) return;
      if (!request) continue;
      // Not awaited: a cancelled Job on an unreachable node takes long to end, and other activities need their
      // heartbeats.
      void this.#check(name, await this.#isWanted(request));
    }
  }

  async #isWanted(request: JobRequest): Promise<boolean> {
    const { reporter, log } = this.#options;
    try {
      return (await reporter.heartbeat(request)) !== 'gone';
    } catch (error) {
      log('could not heartbeat for a Job', { job: request.name, error: String(error) });
      return true;
    }
  }

  #jobOf(name: string): TrackedJob {
    const job = this.#jobs.get(name) ?? new TrackedJob(name);
    this.#jobs.set(name, job);
    return job;
  }

  #removeIdle(job: TrackedJob): void {
    if (job.isIdle && this.#jobs.get(job.name) === job) this.#jobs.delete(job.name);
  }

  #backoff(longestPauseMs: number, message: string, fields: Record<string, unknown> = {}): Backoff {
    const { firstPauseMs = defaultPauseMs, log } = this.#options;
    const onError = (error: unknown): void => log(message, { ...fields, error: String(error) });
    return { signal: this.#stop.signal, firstPauseMs, longestPauseMs, onError };
  }
}

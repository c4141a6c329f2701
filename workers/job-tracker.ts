import { setTimeout as delay } from 'node:timers/promises';
import { judgeWait } from '../domain/clocks.ts';
import type { JobOutcome, JobRequest, JobRunner, Wait } from '../domain/job.ts';

/** How a Job's end reaches the lifecycle that waits for it. */
export interface JobReporter {
  /**
   * Keeps log tail, events and outcome where they outlive the Job. Idempotent. Rejects while that can't be done.
   * Resolves with the outcome as people should hear it.
   */
  keepEvidence(request: JobRequest, outcome: JobOutcome): Promise<JobOutcome>;
  /** Tells whoever waits for the Job what it waits for itself; undefined: nothing any more. */
  showWait(request: JobRequest, wait: Wait | undefined): Promise<void>;
  /** Completes the waiting activity. Idempotent; `gone` if nobody waits any more. Rejects if Temporal can't be reached. */
  complete(request: JobRequest, outcome: JobOutcome): Promise<'completed' | 'gone'>;
  /** Tells Temporal that the Job is still watched; `gone` if nobody waits any more. */
  heartbeat(request: JobRequest): Promise<'waiting' | 'gone'>;
}

export interface JobTrackerOptions {
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** A quarter of the activity's heartbeat timeout, so that one lost heartbeat does no harm. */
  readonly heartbeatMs: number;
  /** After something failed; each further failure doubles it. */
  readonly firstPauseMs?: number;
}

const deletedFromOutside: JobOutcome = { kind: 'failed', failure: { class: 'Deleted', message: 'The Job was deleted from outside before it ended.' } };

const showAgainAfterMs = 20_000;

/** Every container takes a moment to start: not worth a word, nor two events of history. */
const startIsQuickMs = 10_000;

/** One after the other, those of thousands of Jobs would take longer than the time that an activity waits for them. */
const heartbeatsAtOnce = 8;

/**
 * Watches every open Job of a runner and reports each end once. It keeps no state that the runner
 * does not hold: after a restart it goes on from `listOpen`.
 */
export class JobTracker {
  readonly #options: JobTrackerOptions;
  readonly #tracked = new Map<string, JobRequest>();
  readonly #reporting = new Map<string, Promise<void>>();
  readonly #looking = new Map<string, 'once' | 'again'>();
  readonly #seen = new Set<string>();
  readonly #shown = new Map<string, { readonly what: string; readonly atMs: number }>();
  readonly #stop = new AbortController();
  #loops: Promise<unknown> | undefined;

  constructor(options: JobTrackerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loops ??= Promise.all([this.#watch(), this.#heartbeat()]);
  }

  /** Stops watching. Jobs go on; the next tracker finds them. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await Promise.all(this.#reporting.values());
  }

  /** Of a Job that was just made or adopted. */
  track(request: JobRequest): void {
    this.#seen.add(request.name);
    this.#trackListed(request);
  }

  /** A list may be older than its Job's end: what it shows has to be seen first. */
  #trackListed(request: JobRequest): void {
    this.#tracked.set(request.name, request);
    void this.#check(request.name);
  }

  #untrack(name: string): void {
    for (const names of [this.#tracked, this.#shown, this.#seen]) names.delete(name);
  }

  async #watch(): Promise<void> {
    const { runner, log } = this.#options;
    for (let pauseMs = this.#options.firstPauseMs ?? 250; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      try {
        const hints = runner.watch(this.#stop.signal);
        for (const request of await runner.listOpen()) this.#trackListed(request);
        for await (const name of hints) void this.#check(name);
      } catch (error) {
        log('the Job watch broke off and starts again', { error: String(error) });
      }
      await this.#pause(pauseMs);
    }
  }

  /** One look at a time for each Job; what is hinted meanwhile is looked at once more. */
  async #check(name: string, isWanted = true): Promise<void> {
    if (this.#looking.has(name)) {
      this.#looking.set(name, 'again');
      return;
    }
    this.#looking.set(name, 'once');
    await this.#look(name, isWanted);
    while (this.#looking.get(name) === 'again') {
      this.#looking.set(name, 'once');
      await this.#look(name);
    }
    this.#looking.delete(name);
  }

  /** A hint says only "look": what counts is what a fresh read says. */
  async #look(name: string, isWanted = true): Promise<void> {
    if (this.#reporting.has(name)) return;
    try {
      const request = this.#tracked.get(name) ?? (await this.#options.runner.findOpen(name));
      if (request === undefined) return;
      this.#tracked.set(name, request);
      if (!isWanted) await this.#options.runner.cancel(name, 'Deleted', 'The lifecycle that asked for it has ended.');
      const state = await this.#options.runner.read(name);
      if (state.phase === 'finished' && !state.acknowledged) this.#report(request, state.outcome);
      else if (state.phase === 'running') await this.#enforceDeadline(request, state.sinceMs);
      else if (state.phase === 'queued' && state.wait) await this.#enforceClocks(request, state.wait);
      if (state.phase === 'queued' || state.phase === 'running') {
        this.#seen.add(name);
        await this.#showWait(request, state.phase === 'queued' ? state.wait : undefined);
      }
      // Nothing will ever be heard of it again.
      else if (state.phase === 'absent' && this.#seen.has(name)) this.#report(request, deletedFromOutside);
      // Another has reported it, in the moment in which we heard of it.
      else if (state.phase === 'absent' || state.acknowledged) this.#untrack(name);
    } catch (error) {
      // Losing contact is a state, not a failure: the next heartbeat round looks again.
      this.#options.log('could not read a Job', { job: name, error: String(error) });
    }
  }

  async #enforceDeadline(request: JobRequest, sinceMs: number): Promise<void> {
    if (Date.now() - sinceMs < request.maximumSeconds * 1000) return;
    await this.#options.runner.cancel(request.name, 'Deadline', `It ran longer than ${request.maximumSeconds} seconds.`);
  }

  async #enforceClocks(request: JobRequest, wait: Wait): Promise<void> {
    const verdict = judgeWait(wait, Date.now());
    if (verdict) await this.#options.runner.cancel(request.name, verdict.cause, verdict.reason);
  }

  /** Each time is an event in the execution's history: a message that changes all the time is shown now and then. */
  async #showWait(request: JobRequest, wait: Wait | undefined): Promise<void> {
    if (wait?.for === 'start' && Date.now() - wait.sinceMs < startIsQuickMs) {
      void this.#pause(startIsQuickMs).then(() => this.#check(request.name));
      return;
    }
    const shown = this.#shown.get(request.name);
    const what = wait ? `${wait.for} ${wait.message}` : '';
    if (what === (shown?.what ?? '') || (wait && shown?.what && Date.now() - shown.atMs < showAgainAfterMs)) return;
    await this.#options.reporter.showWait(request, wait);
    this.#shown.set(request.name, { what, atMs: Date.now() });
  }

  #report(request: JobRequest, outcome: JobOutcome): void {
    if (this.#reporting.has(request.name)) return;
    const report = this.#reportUntilDone(request, outcome).finally(() => {
      this.#reporting.delete(request.name);
    });
    this.#reporting.set(request.name, report);
  }

  async #reportUntilDone(request: JobRequest, outcome: JobOutcome): Promise<void> {
    const { runner, reporter, log } = this.#options;
    for (let pauseMs = this.#options.firstPauseMs ?? 250; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, 5000)) {
      try {
        await reporter.complete(request, await reporter.keepEvidence(request, outcome));
        await runner.acknowledge(request.name);
        this.#untrack(request.name);
        return;
      } catch (error) {
        log('could not report the end of a Job yet', { job: request.name, error: String(error) });
      }
      await this.#pause(pauseMs);
    }
  }

  async #heartbeat(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#pause(this.#options.heartbeatMs);
      const round = this.#tracked.values();
      await Promise.all(Array.from({ length: heartbeatsAtOnce }, () => this.#heartbeatEach(round)));
    }
  }

  async #heartbeatEach(requests: Iterable<JobRequest>): Promise<void> {
    const { reporter, log } = this.#options;
    for (const request of requests) {
      if (this.#stop.signal.aborted) return;
      let isWanted = true;
      try {
        isWanted = (await reporter.heartbeat(request)) !== 'gone';
      } catch (error) {
        log('could not heartbeat for a Job', { job: request.name, error: String(error) });
      }
      // Not waited for: a Job on a node that is out of sight takes long to end, and the others' activities need their heartbeats.
      void this.#check(request.name, isWanted);
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

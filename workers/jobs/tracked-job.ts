import type { JobRequest, Wait } from '../../domain/job/job.ts';

/**
 * `hinted`: only the name is known. `listed`: a list, which may be stale, showed the Job. `seen`: the Job existed, so
 * its absence means that it was deleted. `reporting`: it has ended, and its end is being reported.
 */
type Phase = 'hinted' | 'listed' | 'seen' | 'reporting';

/** Each shown wait is an event in the execution's history, and some messages change all the time. */
const showAgainAfterMs = 20_000;

/** All that the tracker knows about one Job. Changes only by its named transitions. */
export class TrackedJob {
  readonly name: string;
  #phase: Phase = 'hinted';
  #request: JobRequest | undefined;
  #look: 'none' | 'running' | 'runningThenAgain' = 'none';
  #report: Promise<void> | undefined;
  #shown: { readonly text: string; readonly atMs: number } | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get request(): JobRequest | undefined {
    return this.#request;
  }

  get isSeen(): boolean {
    return this.#phase === 'seen';
  }

  /** Resolves once the report under way is done. Undefined if there is none. */
  get report(): Promise<void> | undefined {
    return this.#report;
  }

  /** True if the tracker has nothing left to remember. */
  get isIdle(): boolean {
    return this.#request === undefined && this.#look === 'none' && this.#report === undefined;
  }

  list(request: JobRequest): void {
    this.#request = request;
    if (this.#phase === 'hinted') this.#phase = 'listed';
  }

  see(request: JobRequest): void {
    this.#request = request;
    if (this.#phase !== 'reporting') this.#phase = 'seen';
  }

  /** Starts the report, unless one is under way. */
  startReport(report: () => Promise<void>): void {
    if (this.#phase === 'reporting') return;
    this.#phase = 'reporting';
    this.#report = report().finally(() => {
      this.#report = undefined;
      if (this.#phase === 'reporting') this.#phase = 'listed';
    });
  }

  /** Forgets everything but the name. */
  drop(): void {
    this.#phase = 'hinted';
    this.#request = undefined;
    this.#shown = undefined;
  }

  /**
   * Runs one look at a time. A call while one runs has it run once more, because the state may have changed since it
   * read.
   */
  async look(first: () => Promise<void>, again: () => Promise<void> = first): Promise<void> {
    if (this.#look !== 'none') {
      this.#look = 'runningThenAgain';
      return;
    }
    this.#look = 'running';
    await first();
    while (this.#mustLookAgain()) await again();
    this.#look = 'none';
  }

  /** True if people should see this wait now. Undefined means that the Job waits no longer. */
  isNews(wait: Wait | undefined, nowMs: number): boolean {
    const before = this.#shown?.text ?? '';
    if (textOf(wait) === before) return false;
    return wait === undefined || before === '' || nowMs - (this.#shown?.atMs ?? 0) >= showAgainAfterMs;
  }

  markShown(wait: Wait | undefined, nowMs: number): void {
    this.#shown = { text: textOf(wait), atMs: nowMs };
  }

  #mustLookAgain(): boolean {
    const must = this.#look === 'runningThenAgain';
    this.#look = 'running';
    return must;
  }
}

const textOf = (wait: Wait | undefined): string => (wait ? `${wait.for} ${wait.message}` : '');

import { embed } from '../domain/monitoring/text-embedding.ts';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isRefusal, repetitionOf } from '../domain/serving/answer-stats.ts';
import { textOf } from '../domain/serving/chat-request.ts';
import { type Observation, releaseId } from '../domain/endpoint/release.ts';
import type { Exchange } from './exchange.ts';

/** The figures of an exchange, without its text. */
export const observationOf = ({
  id,
  release,
  atMs,
  status,
  ms,
  messages,
  answer,
  completionTokens,
  guard,
}: Exchange): Observation => ({
  id,
  release: releaseId(release),
  atMs,
  status,
  ms: Math.round(ms * 10) / 10,
  promptCharacters: textOf(messages).length,
  answerCharacters: answer.length,
  completionTokens,
  refused: isRefusal(answer),
  repetition: repetitionOf(answer),
  embedding: embed(textOf(messages)),
  guard,
});

/** A rating that arrives later has its own line. */
type Line = Observation | { readonly id: string; readonly rating: number };

export interface ObservationsOptions {
  /** The number kept in memory. The file may hold twice as many before it is rewritten. */
  readonly keep?: number;
  /** The file. Undefined: observations are lost when the process ends. */
  readonly path?: string;
  readonly log: (message: string) => void;
}

/**
 * The newest observations of one endpoint, in memory and on disk. Disk writes never delay a request or make it fail.
 */
export class Observations {
  readonly #keep: number;
  readonly #options: ObservationsOptions;
  #observed: Observation[] = [];
  #pending: Line[] = [];
  #linesOnDisk = 0;
  #writing: Promise<void> | undefined;

  constructor(options: ObservationsOptions) {
    this.#options = options;
    this.#keep = options.keep ?? 10_000;
    if (options.path !== undefined) this.#restore(options.path);
  }

  add(observation: Observation): void {
    this.#remember(observation);
    this.#append(observation);
  }

  /** Rates the request with this ID, if it is among the newest. */
  rate(id: string, rating: number): void {
    if (this.#applyRating(id, rating)) this.#append({ id, rating });
  }

  since = (ms: number): readonly Observation[] => this.#observed.slice(-this.#keep).filter(({ atMs }) => atMs >= ms);

  /** Resolves once all earlier observations are on disk. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #remember(observation: Observation): void {
    this.#observed.push(observation);
    if (this.#observed.length >= 2 * this.#keep) this.#observed = this.#observed.slice(-this.#keep);
  }

  /** If several releases tried a request, the rating belongs to the last one, which answered. */
  #applyRating(id: string, rating: number): boolean {
    const index = this.#observed.findLastIndex((observation) => observation.id === id);
    const found = this.#observed[index];
    if (found) this.#observed[index] = { ...found, rating };
    return found !== undefined;
  }

  #append(line: Line): void {
    const { path, log } = this.#options;
    // Limits memory if the disk hangs.
    if (path === undefined || this.#pending.length >= this.#keep) return;
    this.#pending.push(line);
    this.#writing ??= this.#write(path).catch((error: unknown) => {
      this.#writing = undefined;
      log(`observations can't be kept: ${String(error)}`);
    });
  }

  async #write(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    while (this.#pending.length > 0) {
      const lines = this.#pending.splice(0);
      const isFull = this.#linesOnDisk + lines.length > 2 * this.#keep;
      const all = isFull ? this.#observed.slice(-this.#keep) : lines;
      // Each line starts with a newline, because the last line on disk may be incomplete.
      const text = all.map((line) => `\n${JSON.stringify(line)}`).join('');
      if (isFull) {
        await writeFile(`${path}.new`, text);
        await rename(`${path}.new`, path);
      } else await appendFile(path, text);
      this.#linesOnDisk = (isFull ? 0 : this.#linesOnDisk) + all.length;
    }
    // No await between the last check of the queue and this line, so that no line is lost.
    this.#writing = undefined;
  }

  #restore(path: string): void {
    for (const text of readIfThere(path).split('\n')) {
      const line = parseLine(text);
      if (!line) continue;
      this.#linesOnDisk += 1;
      if ('atMs' in line) this.#remember(line);
      else this.#applyRating(line.id, line.rating);
    }
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function parseLine(text: string): Line | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as Line);
  } catch {
    return undefined;
  }
}

export interface ObservationBook {
  /** The observations of one endpoint. Reads its file at the first call. */
  of(endpoint: string): Observations;
  /** Resolves once everything is on disk. */
  flush(): Promise<void>;
}

export function createObservationBook(
  options: Omit<ObservationsOptions, 'path'> & { readonly pathOf?: (endpoint: string) => string },
): ObservationBook {
  const { pathOf, ...rest } = options;
  const byEndpoint = new Map<string, Observations>();
  return {
    of(endpoint) {
      const known =
        byEndpoint.get(endpoint) ?? new Observations({ ...rest, ...(pathOf ? { path: pathOf(endpoint) } : {}) });
      byEndpoint.set(endpoint, known);
      return known;
    },
    async flush() {
      await Promise.all([...byEndpoint.values()].map((observations) => observations.flush()));
    },
  };
}

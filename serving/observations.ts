import { embed } from '../domain/monitoring/text-embedding.ts';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isRefusal, repetitionOf } from '../domain/serving/answer-stats.ts';
import { textOf } from '../domain/serving/chat-request.ts';
import { type Observation, releaseId } from '../domain/endpoint/release.ts';
import type { Exchange } from './exchange.ts';

/** What is left of an exchange once its text is gone. */
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

/** A rating that came later stands in a line of its own. */
type Line = Observation | { readonly id: string; readonly rating: number };

export interface ObservationsOptions {
  /** In memory; the file may hold twice as many before it is written anew. */
  readonly keep?: number;
  /** Undefined where nothing outlives the process. */
  readonly path?: string;
  readonly log: (message: string) => void;
}

/** The newest observations of one endpoint, in memory and on disk. No request waits for the disk, nor fails because of it. */
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

  /** Of the request with this ID, if it is among the newest. */
  rate(id: string, rating: number): void {
    if (this.#applyRating(id, rating)) this.#append({ id, rating });
  }

  since = (ms: number): readonly Observation[] => this.#observed.slice(-this.#keep).filter(({ atMs }) => atMs >= ms);

  /** Resolves once all is on disk that was observed before. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #remember(observation: Observation): void {
    this.#observed.push(observation);
    if (this.#observed.length >= 2 * this.#keep) this.#observed = this.#observed.slice(-this.#keep);
  }

  /** A request that several releases tried was answered by the last. */
  #applyRating(id: string, rating: number): boolean {
    const index = this.#observed.findLastIndex((observation) => observation.id === id);
    const found = this.#observed[index];
    if (found) this.#observed[index] = { ...found, rating };
    return found !== undefined;
  }

  #append(line: Line): void {
    const { path, log } = this.#options;
    // A disk that hangs must not fill the memory.
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
      // A newline before each: the last line on disk may be half of one.
      const text = all.map((line) => `\n${JSON.stringify(line)}`).join('');
      if (isFull) {
        await writeFile(`${path}.new`, text);
        await rename(`${path}.new`, path);
      } else await appendFile(path, text);
      this.#linesOnDisk = (isFull ? 0 : this.#linesOnDisk) + all.length;
    }
    // In the same turn as the look that found nothing left, so that no line falls in between.
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
  /** Of one endpoint; read from the disk when it is first asked for. */
  of(endpoint: string): Observations;
  /** Resolves once all is on disk. */
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

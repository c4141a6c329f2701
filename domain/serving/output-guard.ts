import { lettersAlone, decodingsOf } from './decodings.ts';
import { findPersonalData, redactPersonalData } from './personal-data.ts';
import type { ServingSettings } from './serving-settings.ts';

export interface GuardedAnswer {
  /** The text for the client; undefined if the client must get none of it. */
  readonly text: string | undefined;
  /** The kinds of the findings, for the log; never the text. */
  readonly findings: readonly string[];
}

type Settings = Pick<ServingSettings, 'outputGuard' | 'canary'>;

/** True if the answer contains the canary in plain form, spaced, backwards, or in leet, rot13, base64 or hex. */
export function givesAway(answer: string, canary: string): boolean {
  const wanted = lettersAlone(canary.toLowerCase());
  return decodingsOf(answer).some((reading) => lettersAlone(reading).includes(wanted));
}

/** Guards a whole answer. An answer with the canary is never released, even if the output guard is off. */
export function guardAnswer(answer: string, { outputGuard, canary }: Settings): GuardedAnswer {
  if (canary !== undefined && givesAway(answer, canary)) return { text: undefined, findings: ['canary'] };
  if (outputGuard === 'off') return { text: answer, findings: [] };
  const found = findPersonalData(answer);
  const findings = [...new Set(found.map(({ kind }) => kind))];
  if (found.length === 0 || outputGuard === 'flag') return { text: answer, findings };
  return { text: outputGuard === 'redact' ? redactPersonalData(answer, found) : undefined, findings };
}

/** True if the guards need the whole answer: then a streamed answer is held back until its end. */
export const needsWholeAnswer = ({ outputGuard, canary }: Settings): boolean =>
  canary !== undefined || outputGuard === 'refuse';

/** The maximum number of characters that are held back if the text has no place to cut. */
const mostHeld = 4096;

/** A place to cut: a blank that is not inside a number. Personal data has blanks only between digits and brackets. */
const cut = /(?<![\d)])\s(?=\S)|\s(?=[^\s\d(])/g;

/**
 * Guards a streamed answer. It releases only text that no later part can change. All released texts together equal
 * `guardAnswer` of the whole answer.
 */
export class StreamGuard {
  readonly #settings: Settings;
  readonly #findings = new Set<string>();
  #held = '';

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Always false: settings that need the whole answer never use this guard. */
  readonly isStopped = false;

  get findings(): readonly string[] {
    return [...this.#findings];
  }

  push(part: string): string {
    this.#held += part;
    if (this.#settings.outputGuard === 'off') return this.end();
    const at = [...this.#held.matchAll(cut)].at(-1)?.index ?? 0;
    return this.#giveOut(this.#held.length - at > mostHeld ? this.#held.length : at);
  }

  /** Releases the rest of the text. */
  end = (): string => this.#giveOut(this.#held.length);

  #giveOut(length: number): string {
    const ready = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    const { text = '', findings } = guardAnswer(ready, this.#settings);
    for (const finding of findings) this.#findings.add(finding);
    return text;
  }
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Evidence } from '../../domain/gate/evidence.ts';

export interface Trials {
  /** Held-out examples in each trial. */
  readonly examples: number;
  readonly trials: number;
  /** By how much the candidate's ROUGE-L is truly worse; 0 for the model against itself, negative for a gain. */
  readonly loss: number;
  readonly seed: number;
}

export type MakeTrials = (asked: Trials) => Promise<Evidence[]>;

/** Evidence as an evaluation would have it, of models of which the truth is known; the same seed gives the same. */
export const createTrials =
  ({
    python,
    repository,
    env,
  }: {
    readonly python: string;
    readonly repository: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  }): MakeTrials =>
  async (asked) => {
    const child = spawn(python, ['-m', 'bench.gate_trials'], {
      cwd: join(repository, 'jobs'),
      env: { ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit') as Promise<[number | null]>;
    child.stdin.end(JSON.stringify(asked));
    const evidence: Evidence[] = [];
    for await (const line of createInterface(child.stdout)) evidence.push(JSON.parse(line) as Evidence);
    const [code] = await ended;
    if (code !== 0)
      throw new Error(`bench.gate_trials ended with code ${code} after ${evidence.length} of ${asked.trials} trials.`);
    return evidence;
  };

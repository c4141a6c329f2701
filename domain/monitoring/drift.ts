import { countsBetween, meanOf, type EmbeddingProfile, type Histogram } from './training-profile.ts';
import { scoreOfNoise } from './window-stats.ts';

/** How far a window lies from the training data, and what noise makes of that. */
export interface Drift {
  /** Less what noise adds on average; 0 where nothing is left. */
  readonly size: number;
  /** Whether a sample of the training data of the window's size would lie so far in fewer than 1 of 100 cases. */
  readonly beyondNoise: boolean;
}

/**
 * Population stability index Σ (q − p) ln(q / p) over the bins of the reference. Of two samples from one distribution it is about
 * χ² with bins − 1 degrees, times 1/n + 1/m (Yurdakul and Naranjo 2020): that gives its bias and its noise.
 * A half is added to each count, so that an empty bin has a logarithm.
 */
export function lengthDrift({ edges, counts }: Histogram, values: readonly number[]): Drift {
  const window = countsBetween(edges, values);
  const share = (all: readonly number[], bin: number): number =>
    ((all[bin] ?? 0) + 0.5) / (all.reduce((sum, count) => sum + count, 0) + all.length / 2);
  const index = counts.reduce((sum, _, bin) => {
    const [p, q] = [share(counts, bin), share(window, bin)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
  const examples = counts.reduce((sum, count) => sum + count, 0);
  const degrees = counts.length - 1;
  const byNoise = degrees * (1 / examples + 1 / Math.max(1, values.length));
  return { size: Math.max(0, index - byNoise), beyondNoise: isBeyondNoise(index / byNoise, degrees) };
}

/**
 * The distance between the two mean embeddings, in standard deviations of one embedding: Cohen's d in 64 dimensions. Its square is by noise
 * alone spread · (1/n + 1/m) on average, and about χ² with `degrees` (Satterthwaite 1946; Box 1954).
 */
export function embeddingDrift(
  { mean, spread, degrees }: EmbeddingProfile,
  examples: number,
  embeddings: readonly (readonly number[])[],
): Drift {
  const found = meanOf(embeddings);
  const squared = mean.reduce((sum, x, i) => sum + ((found[i] ?? 0) - x) ** 2, 0);
  // Prompts that are all the same have no spread; any other then is far away.
  const unit = Math.max(spread, 1e-6);
  const byNoise = unit * (1 / examples + 1 / Math.max(1, embeddings.length));
  return {
    size: Math.sqrt(Math.max(0, squared - byNoise) / unit),
    beyondNoise: isBeyondNoise(squared / byNoise, degrees),
  };
}

/** Whether χ² by its degrees is so large in fewer than 1 of 100 cases (Wilson and Hilferty 1931). */
function isBeyondNoise(ratio: number, degrees: number): boolean {
  const error = 2 / (9 * degrees);
  return (Math.cbrt(ratio) - (1 - error)) / Math.sqrt(error) > scoreOfNoise;
}

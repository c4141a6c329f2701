import { countsBetween, meanOf, type EmbeddingProfile, type Histogram } from './training-profile.ts';
import { scoreOfNoise } from './window-stats.ts';

/** The distance of a window from the training data, corrected for noise. */
export interface Drift {
  /** The distance minus the average effect of noise; at least 0. */
  readonly size: number;
  /** True if fewer than 1 in 100 samples of the training data, of the window's size, would lie so far away. */
  readonly beyondNoise: boolean;
}

/**
 * The population stability index Σ (q − p) ln(q / p) over the bins of the reference. For two samples of one
 * distribution it is about χ² with bins − 1 degrees, times 1/n + 1/m (Yurdakul and Naranjo 2020). Its bias and its
 * noise follow from that. A half is added to each count, so that an empty bin has a logarithm.
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
 * The distance between the two mean embeddings, in standard deviations of one embedding: Cohen's d in 64 dimensions. By
 * noise alone its square is spread · (1/n + 1/m) on average, and about χ² with `degrees` (Satterthwaite 1946; Box
 * 1954).
 */
export function embeddingDrift(
  { mean, spread, degrees }: EmbeddingProfile,
  examples: number,
  embeddings: readonly (readonly number[])[],
): Drift {
  const found = meanOf(embeddings);
  const squared = mean.reduce((sum, x, i) => sum + ((found[i] ?? 0) - x) ** 2, 0);
  // Prompts that are all equal have no spread. The minimum makes any other prompt a large distance.
  const unit = Math.max(spread, 1e-6);
  const byNoise = unit * (1 / examples + 1 / Math.max(1, embeddings.length));
  return {
    size: Math.sqrt(Math.max(0, squared - byNoise) / unit),
    beyondNoise: isBeyondNoise(squared / byNoise, degrees),
  };
}

/** True if fewer than 1 in 100 values of χ² divided by its degrees are so large (Wilson and Hilferty 1931). */
function isBeyondNoise(ratio: number, degrees: number): boolean {
  const error = 2 / (9 * degrees);
  return (Math.cbrt(ratio) - (1 - error)) / Math.sqrt(error) > scoreOfNoise;
}

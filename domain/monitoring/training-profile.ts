import { embed, embeddingSize } from './text-embedding.ts';

/** The reference for live traffic: the lengths and the embeddings of the training data. */
export interface TrainingProfile {
  readonly schema: 1;
  /** Digest of the prepared data set. */
  readonly dataset: string;
  readonly examples: number;
  readonly promptCharacters: Histogram;
  readonly answerCharacters: Histogram;
  readonly promptEmbedding: EmbeddingProfile;
}

/**
 * Counts between edges. A bin holds the values above the edge before it, up to its own edge. The first and the last bin
 * are open.
 */
export interface Histogram {
  readonly edges: readonly number[];
  /** One entry more than `edges`. */
  readonly counts: readonly number[];
}

export interface EmbeddingProfile {
  readonly mean: readonly number[];
  /** The trace of the covariance: the mean squared distance from the mean. */
  readonly spread: number;
  /** The effective number of directions: trace² divided by the trace of the squared covariance. */
  readonly degrees: number;
}

export interface Example {
  readonly prompt: string;
  readonly completion: string;
}

/**
 * A reference of this size adds a twentieth to the noise of a window of 250. The training file is in random order, so
 * its first lines are a random sample.
 */
export const profiledExamples = 5000;

/** Deterministic; uses the first 5,000 examples only. */
export function profileOf(examples: readonly Example[], dataset: string): TrainingProfile {
  const used = examples.slice(0, profiledExamples);
  return {
    schema: 1,
    dataset,
    examples: used.length,
    promptCharacters: histogramByQuantiles(used.map(({ prompt }) => prompt.length)),
    answerCharacters: histogramByQuantiles(used.map(({ completion }) => completion.length)),
    promptEmbedding: profileEmbeddings(used.map(({ prompt }) => embed(prompt))),
  };
}

/**
 * Ten bins with a tenth of the values each, if values do not repeat. If there are only a few different values, one bin
 * more on each side counts values that never occurred.
 */
function histogramByQuantiles(values: readonly number[]): Histogram {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const deciles = new Set(Array.from({ length: 9 }, (_, i) => at((i + 1) / 10)));
  // With the largest value as an edge, the last bin is empty, and a few live requests there would count as drift. So
  // that edge is used only if there are fewer than five different deciles.
  const edges =
    deciles.size < 5 ? [...new Set([at(0) - 1, ...deciles, at(1)])] : [...deciles].filter((edge) => edge < at(1));
  return { edges, counts: countsBetween(edges, values) };
}

export function countsBetween(edges: readonly number[], values: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const above = edges.findIndex((edge) => value <= edge);
    const bin = above < 0 ? edges.length : above;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

function profileEmbeddings(embeddings: readonly (readonly number[])[]): EmbeddingProfile {
  const mean = meanOf(embeddings);
  const covariance = new Float64Array(embeddingSize * embeddingSize);
  const by = Math.max(1, embeddings.length - 1);
  for (const embedding of embeddings) {
    const centred = Float64Array.from(embedding, (x, i) => x - (mean[i] ?? 0));
    // Plain loops, because iterators are too slow for 4,096 products for each of 5,000 examples.
    for (let i = 0; i < embeddingSize; i++)
      for (let j = 0; j < embeddingSize; j++) {
        const at = i * embeddingSize + j;
        covariance[at] = (covariance[at] ?? 0) + ((centred[i] ?? 0) * (centred[j] ?? 0)) / by;
      }
  }
  const spread = mean.reduce((sum, _, i) => sum + (covariance[i * (embeddingSize + 1)] ?? 0), 0);
  const squared = covariance.reduce((sum, c) => sum + c ** 2, 0);
  return {
    mean: mean.map(rounded),
    spread: rounded(spread),
    degrees: squared === 0 ? 1 : rounded(spread ** 2 / squared),
  };
}

export function meanOf(embeddings: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(embeddingSize).fill(0);
  for (const embedding of embeddings)
    for (let i = 0; i < embeddingSize; i++) sums[i] = (sums[i] ?? 0) + (embedding[i] ?? 0);
  return sums.map((sum) => sum / Math.max(1, embeddings.length));
}

const rounded = (x: number): number => Number(x.toPrecision(8));

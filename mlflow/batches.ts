import { type WireMetric } from './run.ts';
import { refuseLong, type Tag, type Tags, toPairs } from './tags.ts';

export interface MetricPoint {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  /**
   * Part of the point's identity. The caller fixes it, so that a retry logs the same point again, and not a second one.
   */
  readonly timestampMs: number;
}

export interface LogEntries {
  readonly params?: Tags;
  readonly tags?: Tags;
  readonly metrics?: readonly MetricPoint[];
}

export interface Batch {
  readonly params: Tag[];
  readonly tags: Tag[];
  readonly metrics: WireMetric[];
}

/** MLflow's limits for one `runs/log-batch`. */
const LIMITS = { params: 100, tags: 100, metrics: 1_000, entries: 1_000 } as const;
/** MLflow refuses a request over 1 MB. The difference leaves room for the run's ID and the brackets. */
const BATCH_BYTES = 990_000;

/**
 * Splits the entries into batches that MLflow accepts, in this order: params, tags, metrics. Throws `rejected` for a
 * value that MLflow would truncate.
 */
export function inBatches(entries: LogEntries): Batch[] {
  const params = toPairs(entries.params);
  const tags = toPairs(entries.tags);
  refuseLong('param', params);
  refuseLong('tag', tags);
  const batches = new Batches();
  for (const param of params) batches.take('params', param);
  for (const tag of tags) batches.take('tags', tag);
  for (const metric of entries.metrics ?? []) batches.take('metrics', toWireMetric(metric));
  return batches.made;
}

class Batches {
  readonly made: Batch[] = [];
  #entries = 0;
  #bytes = 0;

  take<Kind extends keyof Batch>(kind: Kind, entry: Batch[Kind][number]): void {
    const bytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
    let batch = this.made.at(-1);
    const full =
      batch === undefined ||
      batch[kind].length === LIMITS[kind] ||
      this.#entries === LIMITS.entries ||
      this.#bytes + bytes > BATCH_BYTES;
    if (batch === undefined || full) {
      batch = { params: [], tags: [], metrics: [] };
      this.made.push(batch);
      this.#entries = 0;
      this.#bytes = 0;
    }
    (batch[kind] as Batch[Kind][number][]).push(entry);
    this.#entries += 1;
    this.#bytes += bytes;
  }
}

function toWireMetric({ key, value, step, timestampMs }: MetricPoint): WireMetric {
  return { key, value: Number.isFinite(value) ? value : String(value), step, timestamp: timestampMs };
}

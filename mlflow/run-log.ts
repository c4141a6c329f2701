import { inBatches, type LogEntries, type MetricPoint } from './batches.ts';
import { type Client } from './client.ts';
import { type DatasetInput, toWireInput } from './dataset-input.ts';
import { type WireMetric } from './run.ts';
import { type Tags } from './tags.ts';

export interface RunLog {
  /**
   * Logs any number of entries, in as many requests as MLflow needs. Idempotent: the same params, tags and points may
   * be sent again, also after a partial failure. Throws `rejected` for a param that would change.
   */
  log(runId: string, entries: LogEntries): Promise<void>;
  /** Sets the tags. An existing tag gets the new value. */
  setTags(runId: string, tags: Tags): Promise<void>;
  /** Idempotent. Name and digest identify a data set, which keeps the context of its first log. */
  logInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void>;
  /** All points of one metric, by step and time. Empty if none was logged. */
  metricHistory(runId: string, key: string): Promise<MetricPoint[]>;
}

/** MLflow's largest page size. */
const HISTORY_PAGE = 25_000;

export function createRunLog(client: Client): RunLog {
  async function log(runId: string, entries: LogEntries): Promise<void> {
    for (const batch of inBatches(entries)) await client.json('POST', '/runs/log-batch', { run_id: runId, ...batch });
  }

  return {
    log,
    setTags: (runId, tags) => log(runId, { tags }),
    async logInputs(runId, inputs) {
      if (inputs.length === 0) return;
      await client.json('POST', '/runs/log-inputs', { run_id: runId, datasets: inputs.map(toWireInput) });
    },
    async metricHistory(runId, key) {
      const points: MetricPoint[] = [];
      let pageToken: string | undefined;
      do {
        const fields = { run_id: runId, metric_key: key, max_results: HISTORY_PAGE, page_token: pageToken };
        const page = await client.json<HistoryPage>('GET', '/metrics/get-history', fields);
        points.push(...(page.metrics ?? []).map(toPoint));
        pageToken = page.next_page_token;
      } while (pageToken !== undefined && pageToken !== '');
      return points.sort((a, b) => a.step - b.step || a.timestampMs - b.timestampMs);
    },
  };
}

interface HistoryPage {
  readonly metrics?: readonly WireMetric[];
  readonly next_page_token?: string;
}

function toPoint({ key, value, step, timestamp }: WireMetric): MetricPoint {
  return { key, value: Number(value ?? 0), step: step ?? 0, timestampMs: timestamp ?? 0 };
}

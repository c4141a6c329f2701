/**
 * Records the histories that test/replay replays, on the server that people run. By hand, after a
 * change of the workflow that is meant to break with the past: `node test/replay/record.ts`
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { CompleteAsyncError } from '@temporalio/activity';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Activities } from '../../activities/index.ts';
import type { LifecycleSpecInput } from '../../domain/lifecycle-spec.ts';
import { reviewUpdate } from '../../workflows/messages.ts';
import { fakeActivities, scriptedJobs, stop } from '../builders/activities.ts';
import { artifact } from '../builders/artifacts.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { failed } from '../builders/job-reports.ts';
import { specInput } from '../builders/specs.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { startDevServer } from '../support/temporal.ts';
import { failureOf, LifecycleLab, resultOf, untilReviewIsAwaited, type LifecycleHandle } from '../workflows/lifecycle-lab.ts';

interface Recording {
  readonly name: string;
  readonly spec?: Partial<LifecycleSpecInput>;
  readonly activities?: Partial<Activities>;
  readonly during: (handle: LifecycleHandle) => Promise<unknown>;
}

const tuning = stop();

const recordings: readonly Recording[] = [
  { name: 'promoted', during: resultOf },
  { name: 'refused', activities: { readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(1, 2) } })) }, during: resultOf },
  { name: 'retried', activities: { runJob: scriptedJobs({ tune: [failed('GpuOutOfMemory'), failed('Evicted')] }) }, during: resultOf },
  {
    name: 'reviewed',
    spec: { review: { by: 'person' } },
    during: async (handle) => {
      await untilReviewIsAwaited(handle);
      await handle.executeUpdate(reviewUpdate, { args: [{ decision: 'approve', reviewer: 'Ada', digest: artifact('model').digest }] });
      return handle.result();
    },
  },
  {
    name: 'cancelled',
    activities: {
      runJob: (job) => {
        if (job.spec.stage !== 'tune') return scriptedJobs()(job);
        tuning.reach();
        throw new CompleteAsyncError();
      },
    },
    during: async (handle) => {
      await tuning.reached;
      await handle.cancel();
      return failureOf(handle);
    },
  },
];

const folder = new URL('histories/', import.meta.url);
await mkdir(folder, { recursive: true });
const server = await startDevServer();
await ensureSearchAttributes(server.client);
const lab = await LifecycleLab.open(Promise.resolve(server));
try {
  for (const { name, spec, activities, during } of recordings) {
    const history = await lab.run(fakeActivities(activities).activities, specInput(spec), async (handle) => {
      await during(handle);
      return handle.fetchHistory();
    });
    await writeFile(new URL(`${name}.json`, folder), `${withoutHost(historyToJSON(history))}\n`);
    console.log(`${name}: ${history.events?.length ?? 0} events`);
  }
} finally {
  await lab.close();
}

/** Who recorded it, and on which host, is nobody's business. */
function withoutHost(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value: unknown) => (key === 'identity' || key === 'stackTrace' ? '' : value), 1);
}

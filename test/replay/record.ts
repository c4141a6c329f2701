/**
 * Records the histories that test/replay replays. It records those that are missing, on the server that people run.
 * Run it by hand after a change of a workflow: `node test/replay/record.ts`. From the first release on, keep each
 * recorded history: an execution like it can be in flight.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { CompleteAsyncError } from '@temporalio/activity';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Activities } from '../../activities/index.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { commentUpdate, delegateUpdate, reviewUpdate } from '../../workflows/messages.ts';
import { fakeActivities, scriptedJobs, stop } from '../builders/activities.ts';
import { between, evidenceOf } from '../builders/evidence.ts';
import { failed } from '../builders/job-reports.ts';
import { digestOfSubject } from '../builders/reviews.ts';
import { specInput } from '../builders/specs.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import { bundleWorkflows, startDevServer } from '../support/temporal.ts';
import {
  failureOf,
  LifecycleLab,
  resultOf,
  untilReviewIsAwaited,
  type LifecycleHandle,
} from '../workflows/lifecycle-lab.ts';

interface Recording {
  readonly name: string;
  /** By a worker that traces. */
  readonly traced?: true;
  readonly spec?: Partial<LifecycleSpecInput>;
  readonly activities?: Partial<Activities>;
  readonly during: (handle: LifecycleHandle) => Promise<unknown>;
}

const tuning = stop();

const reviewedByTwo: Pick<Recording, 'spec' | 'during'> = {
  spec: { review: { by: 'person', approvals: 2, reviewers: ['Ada', 'role:leads'] } },
  during: async (handle) => {
    await untilReviewIsAwaited(handle);
    await handle.executeUpdate(commentUpdate, { args: [{ author: 'Mary', text: 'Why so short?' }] });
    await handle.executeUpdate(delegateUpdate, { args: [{ from: 'Grace', roles: ['leads'], to: 'Joan' }] });
    for (const reviewer of ['Ada', 'Joan'])
      await handle.executeUpdate(reviewUpdate, { args: [{ decision: 'approve', reviewer, digest: digestOfSubject }] });
    return handle.result();
  },
};

const recordings: readonly Recording[] = [
  { name: 'promoted', during: resultOf },
  {
    name: 'refused',
    activities: { readEvidence: () => Promise.resolve(evidenceOf({ candidate: { bleu: between(1, 2) } })) },
    during: resultOf,
  },
  {
    name: 'retried',
    activities: { runJob: scriptedJobs({ tune: [failed('GpuOutOfMemory'), failed('Evicted')] }) },
    during: resultOf,
  },
  { name: 'approved-by-two', ...reviewedByTwo },
  {
    name: 'stale',
    spec: { review: { by: 'person' } },
    activities: { verifySubject: () => Promise.resolve(['the weights (approved sha256:a, found sha256:b)']) },
    during: async (handle) => {
      await untilReviewIsAwaited(handle);
      await handle.executeUpdate(reviewUpdate, {
        args: [{ decision: 'approve', reviewer: 'Ada', digest: digestOfSubject }],
      });
      return handle.result();
    },
  },
  {
    name: 'expired',
    spec: { review: { by: 'person', deadlineHours: 2 / 3600, escalation: { afterHours: 1 / 3600, to: ['Grace'] } } },
    during: resultOf,
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
  {
    name: 'traced',
    traced: true,
    activities: { runJob: scriptedJobs({ tune: [failed('GpuOutOfMemory'), failed('Evicted')] }) },
    ...reviewedByTwo,
  },
];

const folder = new URL('histories/', import.meta.url);
await mkdir(folder, { recursive: true });
const server = await startDevServer();
await ensureSearchAttributes(server.client);
const labs = {
  plain: await LifecycleLab.open(Promise.resolve(server)),
  traced: await LifecycleLab.open(Promise.resolve(server), bundleWorkflows({ traced: true })),
};
try {
  for (const { name, spec, activities, during, traced } of recordings) {
    const file = new URL(`${name}.json`, folder);
    if (existsSync(file)) continue;
    const history = await labs[traced ? 'traced' : 'plain'].run(
      fakeActivities(activities).activities,
      specInput(spec),
      async (handle) => {
        await during(handle);
        return handle.fetchHistory();
      },
    );
    await writeFile(file, `${withoutHost(historyToJSON(history))}\n`);
    console.log(`${name}: ${history.events?.length ?? 0} events`);
  }
} finally {
  await labs.plain.close();
}

/** Who recorded it, and on which host, is nobody's business. */
function withoutHost(json: string): string {
  return JSON.stringify(
    JSON.parse(json),
    (key, value: unknown) => (key === 'identity' || key === 'stackTrace' ? '' : value),
    1,
  );
}

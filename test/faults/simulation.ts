import { digestOf } from '../../domain/digest.ts';
import type { JobOutcome, JobRequest } from '../../domain/job/job.ts';
import { connectCluster } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { annotations, labels } from '../../k8s/names.ts';
import { JobTracker, type JobReporter } from '../../workers/jobs/job-tracker.ts';
import { kubeConfigFor, type FakeApiServer } from './api-server.ts';
import { seeded, type FaultRates } from './faults.ts';
import type { PodPlan } from './pods.ts';
import type { Store } from './store.ts';

const rates: FaultRates = {
  tooManyRequests: 0.03, serverError: 0.03, unavailable: 0.03, resetBefore: 0.03, resetAfter: 0.04, errorAfter: 0.03, slow: 0.1, staleList: 0.1,
  goneAtConnect: 0.05, silentFromStart: 0.02,
  duplicate: 0.05, reorderAcross: 0.05, reorderSame: 0.05, truncate: 0.02, truncateAndEnd: 0.02, cut: 0.03, end: 0.03, halfOpen: 0.02, goneInStream: 0.02, goneAndEnd: 0.02,
}; // prettier-ignore

const ok = JSON.stringify({ ok: true, outputs: {}, figures: {} });
/** What a Job's pods do, one after the other, and how it has to end. */
const lives: { plans: PodPlan[]; cancel?: boolean; ends: string[] }[] = [
  { plans: [{ message: ok }], ends: ['succeeded'] },
  { plans: [{ exitCode: 64 }], ends: ['BadSpec'] },
  { plans: [{ exitCode: 137, reason: 'OOMKilled' }], ends: ['HostOutOfMemory'] },
  { plans: [{ does: 'get evicted' }, { does: 'get evicted' }, { message: ok }], ends: ['succeeded'] },
  { plans: [{ does: 'run for ever' }], cancel: true, ends: ['Deleted'] },
  { plans: [{ does: 'wait', reason: 'InvalidImageName' }], ends: ['ImagePull'] },
  { plans: [{ message: ok }], cancel: true, ends: ['Deleted', 'succeeded'] },
];

const nameOf = (outcome: JobOutcome) => (outcome.kind === 'succeeded' ? 'succeeded' : outcome.failure.class);

export function requestOf(seed: number, index: number): JobRequest {
  const spec = { stage: 'explore', index };
  return {
    name: `tl-${seed}-${index}`,
    owner: { workflowId: `w-${seed}`, runId: 'r', activityId: String(index) },
    spec,
    specDigest: digestOf(spec),
    maximumSeconds: 3600,
  };
}

/** Runs a few Jobs through what the seed does to them; resolves once each was reported, with what went wrong. */
export async function simulate(server: FakeApiServer, seed: number): Promise<string[]> {
  const random = seeded(seed + 1);
  const among = Array.from({ length: 3 }, () => lives[Math.floor(random() * lives.length)] ?? lives[0]).filter(
    (life) => life !== undefined,
  );
  const requests = among.map((_, i) => requestOf(seed, i));
  const told = new Map<string, string[]>();
  const allTold = Promise.withResolvers<undefined>();
  const reporter: JobReporter = {
    keepRecord: async ({ name }, outcome) => {
      await worker.runner.logTail(name, 1000);
      return outcome;
    },
    showWait: () => Promise.resolve(),
    complete: ({ name }, outcome) => {
      const before = told.get(name) ?? [];
      told.set(name, [...before, nameOf(outcome)]);
      if (told.size === requests.length) allTold.resolve(undefined);
      return Promise.resolve(before.length === 0 ? 'completed' : 'gone');
    },
    heartbeat: () => Promise.resolve('waiting'),
  };
  server.reset(seed, rates);
  server.setPlan((job, number) => {
    const plans = among[Number(job.metadata.name.split('-').at(-1))]?.plans ?? [];
    return plans[Math.min(number, plans.length) - 1] ?? {};
  });

  const cluster = connectCluster(kubeConfigFor(server.url), 150);
  const makeWorker = () => {
    const runner = createKubernetesJobRunner({
      cluster,
      placement: { namespace: 'default', image: 'jobs', gpus: 1, env: {}, graceSeconds: 1, userId: 10_001 },
      log: () => undefined,
      clocks: { inactivityMs: 40, relistMs: 200, firstPauseMs: 1, longestPauseMs: 8 },
    });
    const tracker = new JobTracker({ runner, reporter, heartbeatMs: 15, firstPauseMs: 1, log: () => undefined });
    tracker.start();
    return { runner, tracker };
  };
  let worker = makeWorker();
  const persist = async (act: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        await act();
        return;
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  const submit = async (request: JobRequest): Promise<void> => {
    await worker.runner.create(request);
    if (!told.has(request.name)) worker.tracker.track(request);
  };
  server.controller.start();
  // Two submitters for each Job, as a retried activity is, which ends once it was told; and a worker that dies in the middle of it.
  const submitted = requests.flatMap((request) =>
    [1, 2].map(() => persist(() => (told.has(request.name) ? Promise.resolve() : submit(request)))),
  );
  const ended = requests.map(async (request, i) => {
    await submitted[i * 2];
    if (among[i]?.cancel) await persist(() => worker.runner.cancel(request.name, 'Deleted', 'not wanted'));
  });
  if (random() < 0.3) {
    await Promise.race(submitted);
    await worker.tracker.stop();
    worker = makeWorker();
  }
  await Promise.all([...submitted, ...ended]);
  for (const request of requests) if (!told.has(request.name)) worker.tracker.track(request);
  await server.quiet();
  await allTold.promise;
  await untilAcknowledged(server.store);
  await worker.tracker.stop();

  return requests.flatMap(({ name }, i) => {
    const ends = told.get(name) ?? [];
    return [
      ...(server.maximumLivePods(name) > 1 ? [`${name}: ${server.maximumLivePods(name)} pods lived at once`] : []),
      ...(server.livePods(name) > 0 ? [`${name}: a pod is left`] : []),
      ...(new Set(ends).size === 1 && among[i]?.ends.includes(ends[0] ?? '')
        ? []
        : [`${name}: reported ${ends.join(', then ')}, expected ${among[i]?.ends.join(' or ')}`]),
      ...(server.deletions.some((d) => d.name === name && d.by === 'request') &&
      !server.log.some((r) => r.name === name && JSON.stringify(r.body ?? '').includes(annotations.cancelled))
        ? [`${name}: deleted without a cause`]
        : []),
    ];
  });
}

function untilAcknowledged(store: Store): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = () =>
    store.list('jobs').some((job) => job.metadata.labels?.[labels.open]) ? undefined : resolve(undefined);
  const forget = store.onChange(look);
  look();
  return promise.finally(forget);
}

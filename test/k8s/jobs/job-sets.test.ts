import { expect, test } from '@jest/globals';
import { ApiException, type V1Job } from '@kubernetes/client-node';
import { JobSets, type JobSetsOptions } from '../../../k8s/jobs/job-sets.ts';
import type { JobPlacement } from '../../../k8s/manifests/job.ts';
import { jobSetManifest, type JobSet } from '../../../k8s/manifests/job-set.ts';
import { jobOn } from '../../contract/jobs.ts';

const placement: JobPlacement = {
  namespace: 'training',
  image: 'jobs',
  gpus: 1,
  env: {},
  graceSeconds: 30,
  userId: 10_001,
};
const refusal = (code: number) => Promise.reject(new ApiException(code, '', '', {}));

interface Faults {
  /** HTTP statuses of the next answers; 200 after those. */
  readonly answers?: readonly number[];
  readonly onReadJob?: () => void;
}

/** A cluster without JobSet's controller: no JobSet gets a Job. */
function clusterThat({ answers = [], onReadJob }: Faults = {}) {
  const codes = [...answers];
  const sets = new Map<string, JobSet>();
  const asked: string[] = [];
  const deleted: unknown[] = [];
  const answer = (what: string, value: unknown): Promise<unknown> => {
    asked.push(what);
    const code = codes.shift() ?? 200;
    return code === 200 ? Promise.resolve(value) : refusal(code);
  };
  const custom = {
    getAPIResources: () => answer('served', {}),
    createNamespacedCustomObject: ({ body }: { body: JobSet }) => {
      sets.set(body.metadata?.name ?? '', body);
      return answer('create', body);
    },
    getNamespacedCustomObject: ({ name }: { name: string }) =>
      sets.has(name) ? Promise.resolve(sets.get(name)) : refusal(404),
    patchNamespacedCustomObject: () => refusal(404),
    deleteNamespacedCustomObject: ({ name, body }: { name: string; body: { propagationPolicy?: string } }) =>
      Promise.resolve(deleted.push(body.propagationPolicy) && sets.delete(name)),
  };
  const batch = {
    readNamespacedJob: (): Promise<V1Job> => {
      onReadJob?.();
      return refusal(404);
    },
    patchNamespacedJob: () => refusal(404),
  };
  const jobSets = new JobSets({
    custom: custom as unknown as JobSetsOptions['custom'],
    batch,
    placement,
    timeoutMs: 0,
  });
  return { asked, deleted, sets, jobSets };
}

test('isServed rejects on a server error, keeps a yes, and asks again after a no', async () => {
  const { jobSets, asked } = clusterThat({ answers: [503, 404, 200] });
  await expect(jobSets.isServed()).rejects.toMatchObject({ code: 503 });
  expect(await jobSets.isServed()).toBe(false);
  expect(await jobSets.isServed()).toBe(true);
  expect(await jobSets.isServed()).toBe(true);
  expect(asked).toEqual(['served', 'served', 'served']);
});

test('the next attempt asks again for JobSet after a create was answered by 404', async () => {
  const { jobSets, asked } = clusterThat({ answers: [200, 404] });
  await jobSets.isServed();
  await expect(jobSets.create(jobOn(2, { does: 'sleep' }))).rejects.toMatchObject({ code: 404 });
  await jobSets.isServed();
  expect(asked).toEqual(['served', 'create', 'served']);
});

test('a JobSet without a controller ends in an error that says what to look at', async () => {
  const { jobSets, sets } = clusterThat();
  const request = jobOn(2, { does: 'sleep' });
  const { name } = request;
  const says = `JobSet ${name} has created no Job within .*: does JobSet's controller run\\? "kubectl -n training describe jobset ${name}"`;
  await expect(jobSets.create(request)).rejects.toThrow(new RegExp(`^${says}`));
  expect([...sets.keys()]).toEqual([name]);
});

test('an ended JobSet that has lost its Job is deleted after its pods, so that the next attempt can create another', async () => {
  const request = jobOn(2, { does: 'sleep' });
  const over: JobSet = {
    ...jobSetManifest(request, placement),
    status: { conditions: [{ type: 'Completed', status: 'True' }] },
  };
  const { jobSets, sets, deleted } = clusterThat({ answers: [409], onReadJob: () => sets.set(request.name, over) });
  await expect(jobSets.create(request)).rejects.toThrow(/has lost its Job; the next attempt creates both/);
  expect(sets.size).toBe(0);
  expect(deleted).toEqual(['Foreground']);
});

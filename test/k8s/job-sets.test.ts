import { expect, test } from '@jest/globals';
import { ApiException } from '@kubernetes/client-node';
import { JobSets } from '../../k8s/job-sets.ts';
import type { JobPlacement } from '../../k8s/manifests/job.ts';
import { jobSetManifest, type JobSet } from '../../k8s/manifests/job-set.ts';
import { jobOn } from '../contract/job-runner.ts';

const placement: JobPlacement = { namespace: 'training', image: 'jobs', gpus: 1, env: {}, graceSeconds: 30, userId: 10_001 };
const refusal = (code: number) => Promise.reject(new ApiException(code, '', '', {}));

/** A cluster whose answers are told one after the other; without a controller, so that no JobSet makes anything. */
function clusterThat(...answers: number[]) {
  const sets = new Map<string, JobSet>();
  const asked: string[] = [];
  const deleted: unknown[] = [];
  const answer = (what: string, value: unknown): Promise<unknown> => {
    asked.push(what);
    const code = answers.shift() ?? 200;
    return code === 200 ? Promise.resolve(value) : refusal(code);
  };
  const custom = {
    getAPIResources: () => answer('served', {}),
    createNamespacedCustomObject: ({ body }: { body: JobSet }) => {
      sets.set(body.metadata?.name ?? '', body);
      return answer('create', body);
    },
    getNamespacedCustomObject: ({ name }: { name: string }) => (sets.has(name) ? Promise.resolve(sets.get(name)) : refusal(404)),
    patchNamespacedCustomObject: () => refusal(404),
    deleteNamespacedCustomObject: ({ name, body }: { name: string; body: { propagationPolicy?: string } }) => Promise.resolve(deleted.push(body.propagationPolicy) && sets.delete(name)),
  };
  return { asked, deleted, sets, made: new JobSets(custom as unknown as ConstructorParameters<typeof JobSets>[0], placement, 0) };
}
const noJob = () => Promise.resolve(undefined);

test('a server that is unwell has not said that there is no JobSet; a yes is kept, a no is not', async () => {
  const { made, asked } = clusterThat(503, 404, 200);
  await expect(made.served()).rejects.toMatchObject({ code: 503 });
  expect(await made.served()).toBe(false);
  expect(await made.served()).toBe(true);
  expect(await made.served()).toBe(true);
  expect(asked).toEqual(['served', 'served', 'served']);
});

test('where JobSet was taken away since, the next attempt asks again', async () => {
  const { made, asked } = clusterThat(200, 404);
  await made.served();
  await expect(made.create(jobOn(2, { does: 'sleep' }), noJob)).rejects.toMatchObject({ code: 404 });
  await made.served();
  expect(asked).toEqual(['served', 'create', 'served']);
});

test('a JobSet whose controller does not run is named, with what to look at', async () => {
  const { made, sets } = clusterThat();
  const request = jobOn(2, { does: 'sleep' });
  await expect(made.create(request, noJob)).rejects.toThrow(new RegExp(`^JobSet ${request.name} has made no Job within .*: does its controller run\\? "kubectl -n training describe jobset ${request.name}"`));
  expect([...sets.keys()]).toEqual([request.name]);
});

test('a JobSet that is over and has lost its Job makes room for another, once its pods are gone', async () => {
  const { made, sets, deleted } = clusterThat(409);
  const request = jobOn(2, { does: 'sleep' });
  const over: JobSet = { ...jobSetManifest(request, placement), status: { conditions: [{ type: 'Completed', status: 'True' }] } };
  const creating = made.create(request, () => {
    sets.set(request.name, over);
    return noJob();
  });
  await expect(creating).rejects.toThrow(/is made at the next attempt/);
  expect(sets.size).toBe(0);
  expect(deleted).toEqual(['Foreground']);
});

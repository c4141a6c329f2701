import { expect } from '@jest/globals';
import { inspectCluster } from '../../../../k8s/doctor.ts';
import { finished, jobOf, jobOn } from '../../../contract/jobs.ts';
import { until } from '../../../support/until.ts';
import { jobSetVerbs, type Acting } from './worker-account.ts';

const refused = (attempt: Promise<unknown>): Promise<void> => expect(attempt).rejects.toMatchObject({ code: 403 });
const complains = ({ said }: Acting): Promise<unknown> =>
  until(() => Promise.resolve(said.some((line) => /403|Forbidden/i.test(line))));

async function made({ runner }: Acting) {
  const job = jobOf({ does: 'succeed', value: '' });
  await runner.create(job);
  return job;
}
async function watches(acting: Acting): Promise<void> {
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _hint of acting.runner.watch(stop.signal));
  })();
  await complains(acting);
  stop.abort();
  await watching;
}

/** For each verb of the Role what stops working without it. Resolves if it does. */
export const losses: Readonly<Record<string, (acting: Acting) => Promise<unknown>>> = {
  'jobs create': ({ runner }) => refused(runner.create(jobOf({ does: 'sleep' }))),
  'jobs get': async (acting) => refused(acting.runner.create(await made(acting))),
  'jobs list': ({ runner }) => refused(runner.listOpen()),
  'jobs watch': watches,
  'jobs patch': async (acting) => refused(acting.runner.acknowledge((await made(acting)).name)),
  'jobs delete': async ({ queued }) => {
    const job = jobOf({ does: 'sleep' });
    await queued.create(job);
    await queued.cancel(job.name, 'Deleted', 'enough');
    await refused(queued.acknowledge(job.name));
  },
  'services create': ({ runner }) => refused(runner.create(jobOn(2, { does: 'succeed', value: '' }))),
  'pods list': async (acting) => refused(acting.runner.read((await made(acting)).name)),
  'pods watch': watches,
  'pods/log get': async (acting) => {
    const { name } = await made(acting);
    await finished(acting.runner, name);
    expect(await acting.runner.logTail(name, 1000)).toBe('');
  },
  'events list': async (acting) => {
    const { name } = await made(acting);
    await finished(acting.runner, name);
    expect(await acting.runner.events(name)).toBe('');
  },
  'persistentvolumeclaims get': async ({ connection, placed }) =>
    expect(await inspectCluster(connection, placed)).toContainEqual({
      what: 'storage claim',
      ok: true,
      detail: "tuneline can't be seen with this account",
    }),
  'leases create': (acting) => acting.lead(() => complains(acting)),
  'leases get': (acting) => acting.lead(() => complains(acting)),
  'leases update': (acting) => acting.lead(() => complains(acting)),
  'workloads list': ({ kueue }) => refused(kueue('workloads')),
  ...Object.fromEntries(
    jobSetVerbs.map((verb) => [`jobsets ${verb}`, ({ jobSets }: Acting) => refused(jobSets(verb))]),
  ),
  'localqueues get': ({ kueue }) => refused(kueue('localqueues', 'jobs')),
};

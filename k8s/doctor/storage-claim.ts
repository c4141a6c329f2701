import type { CoreV1Event } from '@kubernetes/client-node';
import type { Cluster } from '../client.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { hidden, see, type Finding } from './finding.ts';

export async function inspectClaim(
  { core }: Cluster,
  { namespace, storage }: JobPlacement,
): Promise<Finding | undefined> {
  if (!storage) return undefined;
  const { claim } = storage;
  const what = 'storage claim';
  const seen = await see(core.readNamespacedPersistentVolumeClaim({ namespace, name: claim }));
  if (seen === 'hidden') return hidden(what, claim);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `${claim} does not exist in ${namespace}`,
      remedy:
        '"kubectl apply -k k8s/install", or on one machine k8s/install/one-machine, makes the claim tuneline; TUNELINE_STORAGE_CLAIM names another',
    };
  const phase = seen.status?.phase ?? 'Pending';
  if (phase === 'Bound')
    return {
      what,
      ok: true,
      detail: `${claim}, ${seen.status?.capacity?.['storage'] ?? 'of unknown size'}, ${seen.status?.accessModes?.join(', ') ?? ''}`,
    };
  const fieldSelector = `involvedObject.kind=PersistentVolumeClaim,involvedObject.name=${claim}`;
  const events = await see(core.listNamespacedEvent({ namespace, fieldSelector }));
  const newest = typeof events === 'string' ? undefined : events.items.sort((a, b) => timeOf(b) - timeOf(a))[0];
  if (newest?.reason === 'WaitForFirstConsumer')
    return { what, ok: true, detail: `${claim}, which gets its volume with its first pod` };
  return {
    what,
    ok: false,
    mayPass: phase === 'Pending',
    detail: `${claim} is ${phase}${newest?.message ? `: ${newest.message}` : ''}`,
    remedy: `"kubectl -n ${namespace} describe pvc ${claim}" says why; Jobs wait until it is bound`,
  };
}

const timeOf = ({ lastTimestamp, eventTime }: CoreV1Event): number =>
  new Date(lastTimestamp ?? eventTime ?? 0).getTime();

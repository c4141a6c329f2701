import type { V1Job, V1Service } from '@kubernetes/client-node';
import { jobNameLabel, labels } from '../names.ts';
import { rendezvousPort } from './gang.ts';
import { isOfSet } from './job-set.ts';

/**
 * The Service that gives each pod of a Job on several nodes its name, `JOB-INDEX.JOB`. It is deleted with the Job.
 * Undefined for a Job of one pod, and for a Job of a JobSet, which has its own Service.
 */
export function serviceManifest(job: V1Job): V1Service | undefined {
  const { metadata, spec } = job;
  if (isOfSet(job) || spec?.completionMode !== 'Indexed' || !metadata?.name || !metadata.uid) return undefined;
  const { [labels.open]: _open, ...kept } = metadata.labels ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: metadata.name,
      labels: kept,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, uid: metadata.uid }],
    },
    spec: {
      clusterIP: 'None',
      // The pods look each other up before any of them is ready.
      publishNotReadyAddresses: true,
      selector: { [jobNameLabel]: metadata.name },
      ports: [{ name: 'rendezvous', port: rendezvousPort }],
    },
  };
}

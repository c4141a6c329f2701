import type { KubernetesObject, V1Job, V1JobSpec, V1ObjectMeta } from '@kubernetes/client-node';
import type { JobRequest } from '../../domain/job/job.ts';
import { jobSetUidLabel, queueLabel } from '../names.ts';
import type { GangNames } from './gang.ts';
import { jobMetadata, jobSpec, type JobPlacement } from './job.ts';

export const jobSetApi = { group: 'jobset.x-k8s.io', version: 'v1alpha2' } as const;

/** A `jobset.x-k8s.io/v1alpha2` JobSet: only the fields that are written or read here. */
export interface JobSet extends KubernetesObject {
  readonly spec: {
    readonly suspend?: boolean;
    readonly ttlSecondsAfterFinished?: number;
    readonly failurePolicy: { readonly maxRestarts: number };
    readonly network: { readonly enableDNSHostnames: boolean; readonly publishNotReadyAddresses: boolean };
    readonly replicatedJobs: readonly {
      readonly name: string;
      readonly replicas: number;
      readonly template: { readonly metadata: V1ObjectMeta; readonly spec: V1JobSpec };
    }[];
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const replicatedJob = 'nodes';

/** Pod names have the form `SET-nodes-0-INDEX-abcde`, with an index up to 999, and at most 63 characters. */
const maximumLength = 63 - `-${replicatedJob}-0-999-abcde`.length;

/** The JobSet's name for a Job's name. A long name loses its start: the unique part is at the end. */
export function setNameOf(name: string): string {
  if (name.length <= maximumLength) return name;
  const prefix = 'tl-';
  return `${prefix}${name.slice(prefix.length - maximumLength).replace(/^-+/, '')}`;
}

/** The name of the one Job that JobSet's controller creates from the set. */
export const jobNameInSet = (name: string): string => `${setNameOf(name)}-${replicatedJob}-0`;

export const isOfSet = ({ metadata }: V1Job): boolean => metadata?.labels?.[jobSetUidLabel] !== undefined;

/**
 * The JobSet of a request on several nodes. It creates one Job, equal to Tuneline's own, and the Service that names the
 * pods. It never restarts the Job: the lifecycle creates the next one and knows the class of the failure.
 */
export function jobSetManifest(request: JobRequest, placement: JobPlacement): JobSet {
  const { namespace, queue } = placement;
  const name = setNameOf(request.name);
  const names: GangNames = { job: jobNameInSet(request.name), service: name };
  const metadata = jobMetadata(request, names);
  return {
    apiVersion: `${jobSetApi.group}/${jobSetApi.version}`,
    kind: 'JobSet',
    metadata: {
      ...metadata,
      name,
      namespace,
      labels: { ...metadata.labels, ...(queue ? { [queueLabel]: queue } : {}) },
    },
    spec: {
      ...(queue ? { suspend: true } : {}),
      failurePolicy: { maxRestarts: 0 },
      // The pods look each other up before any of them is ready.
      network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
      replicatedJobs: [
        { name: replicatedJob, replicas: 1, template: { metadata, spec: jobSpec(request, placement, names) } },
      ],
    },
  } satisfies JobSet;
}

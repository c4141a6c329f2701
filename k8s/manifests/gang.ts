import type { V1EnvVar, V1JobSpec } from '@kubernetes/client-node';
import type { JobRequest } from '../../domain/job/job.ts';
import { indexAnnotation } from '../names.ts';

/** torchrun's default. Pods do not share ports, so it is always free. */
export const rendezvousPort = 29500;

/** The number of pods that train together. None of them can work without the others. */
export const nodesOf = ({ spec: { nodes } }: JobRequest): number => (typeof nodes === 'number' ? nodes : 1);

/** The names by which pods find each other. The pod with index 0 is `JOB-0.SERVICE`. */
export interface GangNames {
  readonly job: string;
  readonly service: string;
}

/**
 * The part of a Job's spec that creates one pod per node. Each pod knows its index, and finds the first pod by name.
 */
export const gangSpec = (nodes: number): Partial<V1JobSpec> =>
  nodes > 1 ? { completionMode: 'Indexed', completions: nodes, parallelism: nodes } : {};

/** torchrun's settings: it reads each flag from a variable. One process for each GPU of each node. */
export function gangEnv(request: JobRequest, gpus: number, { job, service }: GangNames): V1EnvVar[] {
  const nodes = nodesOf(request);
  const processes = Math.max(1, gpus);
  if (nodes * processes === 1) return [];
  return [
    { name: 'PET_NNODES', value: String(nodes) },
    { name: 'PET_NPROC_PER_NODE', value: String(processes) },
    { name: 'PET_MASTER_PORT', value: String(rendezvousPort) },
    ...(nodes > 1
      ? [
          { name: 'PET_MASTER_ADDR', value: `${job}-0.${service}` },
          {
            name: 'PET_NODE_RANK',
            valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${indexAnnotation}']` } },
          },
        ]
      : []),
  ];
}

import { SchedulingV1Api, type V1Node } from '@kubernetes/client-node';
import type { Cluster } from '../client.ts';
import type { JobPlacement } from '../manifests/job.ts';
import { jobSetApi } from '../manifests/job-set.ts';
import { hidden, see, type Finding, type ServedGroups } from './finding.ts';

export async function inspectPriorityClass(
  { kubeConfig }: Cluster,
  { priorityClass }: JobPlacement,
): Promise<Finding | undefined> {
  if (!priorityClass) return undefined;
  const what = 'priority class';
  const seen = await see(kubeConfig.makeApiClient(SchedulingV1Api).readPriorityClass({ name: priorityClass }));
  if (seen === 'hidden') return hidden(what, priorityClass);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `${priorityClass} does not exist`,
      remedy: '"kubectl get priorityclasses" lists the existing ones; set TUNELINE_JOB_PRIORITY_CLASS to one of them',
    };
  return { what, ok: true, detail: `${priorityClass}, ${seen.value}` };
}

export async function inspectGpus({ core }: Cluster, { gpus, gpuProduct }: JobPlacement): Promise<Finding | undefined> {
  if (gpus === 0) return undefined;
  const what = 'GPUs';
  const seen = await see(core.listNode());
  if (typeof seen === 'string') return hidden(what, 'nodes');
  const having = seen.items.filter((node) => gpusOf(node) > 0 && !node.spec?.unschedulable);
  const fitting = having.filter((node) => !gpuProduct || productOf(node) === gpuProduct);
  const most = Math.max(0, ...fitting.map(gpusOf));
  const counted = `${fitting.length} nodes with ${gpuProduct ?? 'GPUs'}, at most ${most} each`;
  if (most >= gpus) return { what, ok: true, detail: `${counted}; a Job asks for ${gpus}` };
  const others = gpuProduct && having.length > 0 ? `; there are ${[...new Set(having.map(productOf))].join(', ')}` : '';
  return {
    what,
    ok: false,
    mayPass: true,
    detail: `no node has ${gpus}: ${counted}${others}`,
    remedy:
      "set TUNELINE_JOB_GPUS and TUNELINE_JOB_GPU_PRODUCT to what there is; where no GPU shows, NVIDIA's device plugin is missing; nodes that come only when a Job waits are not seen here",
  };
}

/** Says how a Job on several nodes is made. Neither way is a fault. */
export const describeSeveralNodes = (served: ServedGroups): Finding => ({
  what: 'several nodes',
  ok: true,
  detail: served.has(jobSetApi.group)
    ? 'a Job on several nodes is made by a JobSet'
    : 'a Job on several nodes is an Indexed Job: JobSet is not installed',
});

const gpusOf = (node: V1Node): number => Number(node.status?.allocatable?.['nvidia.com/gpu'] ?? 0);
const productOf = (node: V1Node): string =>
  node.metadata?.labels?.['nvidia.com/gpu.product'] ?? 'nodes without a label nvidia.com/gpu.product';

import { setTimeout as delay } from 'node:timers/promises';
import {
  ApisApi,
  AppsV1Api,
  AuthorizationV1Api,
  CustomObjectsApi,
  SchedulingV1Api,
  VersionApi,
  type CoreV1Event,
  type V1Node,
} from '@kubernetes/client-node';
import { parseTokens, reviewersOf } from '../domain/review/access-tokens.ts';
import { statusOf, type Cluster } from './client.ts';
import type { JobPlacement } from './manifests/job.ts';
import { jobSetApi } from './manifests/job-set.ts';

/** What one look showed. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** Not well as of now, but by itself it may become so: nodes come, a volume is made. */
  readonly mayPass?: boolean;
}

/** A server that took the connection and then says nothing must not hold up who asks what is wrong. */
const patienceMs = 10_000;

export type Grant = readonly [group: string, resource: string, verbs: readonly string[]];

/** What the runner does in its namespace. */
const needed: readonly Grant[] = [
  ['batch', 'jobs', ['create', 'get', 'list', 'watch', 'patch', 'delete']],
  ['', 'pods', ['list', 'watch']],
  ['', 'pods/log', ['get']],
  ['coordination.k8s.io', 'leases', ['create', 'get', 'update']],
];

/** Where the cluster has JobSet. */
const neededForSets: readonly Grant[] = [[jobSetApi.group, 'jobsets', ['create', 'get', 'patch', 'delete']]];

/** Whether a cluster can run Jobs as they would be placed. Changes nothing. What this account may not see is no failure. */
export async function inspectCluster(
  cluster: Cluster,
  placement: JobPlacement,
  answerWithinMs = patienceMs,
): Promise<Finding[]> {
  const server = await inspectServer(cluster, answerWithinMs);
  if (!server.ok) return [server];
  const namespace = await inspectNamespace(cluster, placement);
  const { groups } = await cluster.kubeConfig.makeApiClient(ApisApi).getAPIVersions();
  const served: Served = new Map(groups.map(({ name, preferredVersion }) => [name, preferredVersion?.version ?? '']));
  const inside = namespace.ok ? [inspectPermissions, inspectClaim, inspectQueue] : [];
  const findings = await Promise.all(
    [...inside, inspectPriorityClass, inspectGpus].map((inspect) => inspect(cluster, placement, served)),
  );
  return [server, namespace, ...findings.filter((finding) => finding !== undefined), severalNodes(served)];
}

/** The API groups of the cluster, with the version that it prefers of each. */
type Served = ReadonlyMap<string, string>;

/** Of `k8s/install/console.yaml`. */
const installed = { deployment: 'console', secret: 'tuneline-tokens', key: 'tokens.json' } as const;

/** Whether reviewers can sign in to the review console that runs in the namespace. Nothing where none does. Changes nothing. */
export async function inspectConsole({ core, kubeConfig }: Cluster, namespace: string): Promise<Finding[]> {
  const { deployment, secret, key } = installed;
  const what = 'console tokens';
  const running = await see(
    kubeConfig.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: deployment }),
  );
  if (running === 'missing') return [];
  const seen = running === 'hidden' ? running : await see(core.readNamespacedSecret({ namespace, name: secret }));
  if (seen === 'hidden') return [hidden(what, `the Secret ${secret}`)];
  const remedy = `TUNELINE_TOKENS=${key} scripts/tuneline token create NAME --role reviewer\nkubectl -n ${namespace} create secret generic ${secret} --from-file=${key} --dry-run=client -o yaml | kubectl apply -f -`;
  const wrong = (detail: string): Finding[] => [{ what, ok: false, detail, remedy }];
  if (seen === 'missing')
    return wrong(`there is no Secret ${secret} in ${namespace}: nobody can sign in to the console`);
  const data = seen.data?.[key];
  if (data === undefined) return wrong(`the Secret ${secret} has no key ${key}: nobody can sign in to the console`);
  const tokens = parseTokens(Buffer.from(data, 'base64').toString('utf8'));
  if (!tokens) return wrong(`${key} in the Secret ${secret} is no tokens file: the console answers nobody`);
  const reviewers = reviewersOf(tokens);
  if (reviewers.length === 0) return wrong(`the Secret ${secret} has no token of a reviewer: nobody may decide`);
  return [{ what, ok: true, detail: `the Secret ${secret}, reviewers: ${reviewers.join(', ')}` }];
}

async function inspectServer({ kubeConfig }: Cluster, answerWithinMs: number): Promise<Finding> {
  const what = 'Kubernetes';
  const address = kubeConfig.getCurrentCluster()?.server ?? '';
  const silence = delay(answerWithinMs, undefined, { ref: false }).then(() =>
    Promise.reject(new Error(`no answer within ${answerWithinMs / 1000} s`)),
  );
  try {
    const { gitVersion } = await Promise.race([kubeConfig.makeApiClient(VersionApi).getCode(), silence]);
    return { what, ok: true, detail: `${gitVersion} at ${address}` };
  } catch (error) {
    const reason = statusOf(error) === undefined ? reasonOf(error) : `it answered ${statusOf(error)}`;
    return {
      what,
      ok: false,
      detail: `the API server at ${address} can't be asked: ${reason}`,
      remedy: 'check KUBECONFIG, and whether its credentials still hold; "kubectl version" should name the server',
    };
  }
}

async function inspectNamespace({ core }: Cluster, { namespace }: JobPlacement): Promise<Finding> {
  const what = 'namespace';
  const seen = await see(core.readNamespace({ name: namespace }));
  if (seen === 'hidden') return hidden(what, namespace);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `${namespace} does not exist`,
      remedy: '"kubectl apply -k k8s/install" makes the namespace tuneline; TUNELINE_NAMESPACE names another',
    };
  if (seen.status?.phase === 'Terminating')
    return {
      what,
      ok: false,
      detail: `${namespace} is being deleted`,
      remedy: 'wait until it is gone, and make it anew',
    };
  return { what, ok: true, detail: namespace };
}

const inspectPermissions = (cluster: Cluster, { namespace, queue }: JobPlacement, served: Served): Promise<Finding> =>
  inspectGrants(cluster, namespace, {
    what: 'permissions',
    who: 'Jobs need',
    needed: [
      ...needed,
      ...(served.has(jobSetApi.group) ? neededForSets : []),
      ...(queue ? [['kueue.x-k8s.io', 'workloads', ['list']] as const] : []),
    ],
  });

/** Whether this account may do all that is needed in a namespace. */
export async function inspectGrants(
  { kubeConfig }: Cluster,
  namespace: string,
  { what, who, needed }: { readonly what: string; readonly who: string; readonly needed: readonly Grant[] },
): Promise<Finding> {
  const api = kubeConfig.makeApiClient(AuthorizationV1Api);
  const asked = needed.flatMap(([group, path, verbs]) => verbs.map((verb) => ({ group, path, verb })));
  const answers = await Promise.all(
    asked.map(async ({ group, path, verb }) => {
      const [resource, subresource] = path.split('/');
      const resourceAttributes = { namespace, group, verb, resource, subresource };
      const review = await api.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
      return review.status?.allowed ? [] : [`${path} ${verb}`];
    }),
  );
  const missing = answers.flat();
  if (missing.length === 0) return { what, ok: true, detail: `all ${asked.length} that ${who} in ${namespace}` };
  return {
    what,
    ok: false,
    detail: `this account may not, in ${namespace}: ${missing.join(', ')}`,
    remedy:
      '"kubectl apply -k k8s/install" gives the account "worker" what it needs; who runs the cluster can give it to yours',
  };
}

async function inspectClaim({ core }: Cluster, { namespace, storage }: JobPlacement): Promise<Finding | undefined> {
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

async function inspectQueue(
  { kubeConfig }: Cluster,
  { namespace, queue }: JobPlacement,
  served: Served,
): Promise<Finding | undefined> {
  if (!queue) return undefined;
  const what = 'queue';
  const group = 'kueue.x-k8s.io';
  const version = served.get(group);
  if (!version)
    return {
      what,
      ok: false,
      detail: `nobody serves ${queue}: Kueue is not installed`,
      remedy: 'install Kueue, or unset TUNELINE_JOB_QUEUE: Jobs then start as soon as a node has room',
    };
  const asked = kubeConfig
    .makeApiClient(CustomObjectsApi)
    .getNamespacedCustomObject({ group, version, namespace, plural: 'localqueues', name: queue });
  const seen = await see(asked as Promise<LocalQueue>);
  if (seen === 'hidden') return hidden(what, queue);
  if (seen === 'missing')
    return {
      what,
      ok: false,
      detail: `there is no LocalQueue ${queue} in ${namespace}`,
      remedy: `"kubectl -n ${namespace} get localqueues" lists those that there are; TUNELINE_JOB_QUEUE names one`,
    };
  const active = seen.status?.conditions?.find(({ type }) => type === 'Active');
  if (active?.status === 'False')
    return {
      what,
      ok: false,
      detail: `${queue} admits nothing: ${active.message ?? active.reason ?? ''}`,
      remedy: `"kubectl get clusterqueue ${seen.spec?.clusterQueue ?? ''} -o yaml" shows what its ClusterQueue lacks`,
    };
  return { what, ok: true, detail: `${queue}, ${seen.status?.pendingWorkloads ?? 0} waiting` };
}

interface LocalQueue {
  readonly spec?: { readonly clusterQueue?: string };
  readonly status?: {
    readonly pendingWorkloads?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

async function inspectPriorityClass(
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
      remedy: '"kubectl get priorityclasses" lists those that there are; TUNELINE_JOB_PRIORITY_CLASS names one',
    };
  return { what, ok: true, detail: `${priorityClass}, ${seen.value}` };
}

async function inspectGpus({ core }: Cluster, { gpus, gpuProduct }: JobPlacement): Promise<Finding | undefined> {
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

/** No fault either way. */
const severalNodes = (served: Served): Finding => ({
  what: 'several nodes',
  ok: true,
  detail: served.has(jobSetApi.group)
    ? 'a Job on several nodes is made by a JobSet'
    : 'a Job on several nodes is an Indexed Job: JobSet is not installed',
});

const gpusOf = (node: V1Node): number => Number(node.status?.allocatable?.['nvidia.com/gpu'] ?? 0);
const productOf = (node: V1Node): string =>
  node.metadata?.labels?.['nvidia.com/gpu.product'] ?? 'nodes without a label nvidia.com/gpu.product';
const timeOf = ({ lastTimestamp, eventTime }: CoreV1Event): number =>
  new Date(lastTimestamp ?? eventTime ?? 0).getTime();

const hidden = (what: string, name: string): Finding => ({
  what,
  ok: true,
  detail: `${name} can't be seen with this account`,
});

/** Rejects where the answer was neither the object nor that there is none, nor that this account may not look. */
const see = <T extends object>(look: Promise<T>): Promise<T | 'missing' | 'hidden'> =>
  look.catch((error: unknown) => {
    if (statusOf(error) === 404) return 'missing';
    if (statusOf(error) === 403) return 'hidden';
    throw error;
  });

/** Where a connection failed, the reason is the cause of the error. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { readonly cause?: { readonly message?: string }; readonly message?: string };
  return cause?.message ?? message ?? String(error);
}

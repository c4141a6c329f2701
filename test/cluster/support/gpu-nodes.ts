import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CoreV1Api, KubeConfig, type V1Node } from '@kubernetes/client-node';
import { freePort } from '../../../local/ports.ts';
import type { Components } from './components.ts';

const stages = fileURLToPath(new URL('kwok-stages.yaml', import.meta.url));

/** What sets these nodes apart from one with a kubelet. */
const simulated = 'kwok.x-k8s.io/node';

export interface GpuNodes {
  readonly kwok: string;
  readonly kubeconfigPath: string;
  readonly nodes: number;
  readonly gpusPerNode: number;
}

/** Resolves once pods can be scheduled on them. */
export async function startGpuNodes(
  components: Components,
  { kwok, kubeconfigPath, nodes, gpusPerNode }: GpuNodes,
): Promise<void> {
  const { folder } = components;
  const port = String(await freePort());
  const podLogs = join(folder, 'pod-logs.yaml');
  // As a container runtime writes it.
  await writeFile(join(folder, 'pod.log'), '2026-01-01T00:00:00Z stdout F what a pod says\n');
  await writeFile(
    podLogs,
    JSON.stringify({
      apiVersion: 'kwok.x-k8s.io/v1alpha1',
      kind: 'ClusterLogs',
      metadata: { name: 'pods' },
      spec: { logs: [{ logsFile: join(folder, 'pod.log') }] },
    }),
  );
  await components.start('kwok', [
    ...([
      kwok,
      '--kubeconfig',
      kubeconfigPath,
      '--config',
      stages,
      '--config',
      podLogs,
      '--manage-all-nodes=false',
      '--manage-nodes-with-annotation-selector',
      `${simulated}=fake`,
      '--node-lease-duration-seconds',
      '40',
    ] as const),
    // It answers for every node's kubelet. Nobody checks the certificate: the API server's will do.
    ...['--server-address', `127.0.0.1:${port}`, '--node-ip', '127.0.0.1', '--node-port', port],
    ...[
      '--tls-cert-file',
      join(folder, 'certificates', 'apiserver.crt'),
      '--tls-private-key-file',
      join(folder, 'certificates', 'apiserver.key'),
    ],
  ]);
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const core = config.makeApiClient(CoreV1Api);
  for (let number = 1; number <= nodes; number++)
    await core.createNode({ body: gpuNode(`gpu-${number}`, gpusPerNode) });
  await components.until(async () => areReady((await core.listNode()).items.filter(isSimulated)));
}

const isSimulated = (node: V1Node): boolean => node.metadata?.annotations?.[simulated] !== undefined;

/** Roomy in all but GPUs, so that these alone decide where a pod fits. */
function gpuNode(name: string, gpus: number): V1Node {
  const resources = {
    cpu: '64',
    memory: '1Ti',
    pods: '110',
    'ephemeral-storage': '4Ti',
    'nvidia.com/gpu': String(gpus),
  };
  return {
    metadata: {
      name,
      annotations: { [simulated]: 'fake' },
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3',
      },
    },
    status: { capacity: resources, allocatable: resources },
  };
}

/** The scheduler goes by taints; the one of a new node is taken away some time after the node says that it is ready. */
const areReady = (nodes: readonly V1Node[]): boolean =>
  nodes.every(
    ({ spec, status }) =>
      (spec?.taints ?? []).length === 0 &&
      status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  );

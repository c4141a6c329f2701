import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { SetupError } from '../../../../local/setup-error.ts';
import type { Components } from '../components.ts';
import { makeSandboxImage, type Image } from '../images.ts';

export interface RealNodeOptions {
  /** Make the images to have, in a folder that goes with the cluster: no registry can be reached. */
  readonly images: readonly ((into: string) => Promise<Image>)[];
  /** What its status claims to have. */
  readonly gpus?: number;
  /** Folders of this host that the node sees elsewhere, read by its pods through a `hostPath` volume around them. */
  readonly mounts?: readonly { readonly from: string; readonly at: string }[];
}

export interface RealNode {
  /** Where its pods reach what listens on this host. */
  readonly hostAddress: string;
  /** What Jobs name its images by, in the order in which they were asked for. */
  readonly images: readonly string[];
}

interface StartOptions extends RealNodeOptions {
  readonly controlPlane: string;
  readonly kubeconfigPath: string;
  readonly report: (message: string) => void;
}

/** Why this machine can have no real node, where it can't. */
export const noRealNode =
  process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root on Linux can start one' : undefined;

/** What its network interface and its cgroups are called: the folder's name, which is this cluster's alone, short enough for an interface. */
export const realNodeName = (folder: string): string => basename(folder).replace('tuneline-cluster-', 'tl-');

const run = promisify(execFile);
const packages = ['containerd', 'runc', 'containernetworking-plugins', 'busybox-static', 'iproute2'];
const plugins = '/usr/lib/cni';
const programs = [
  '/usr/bin/containerd',
  '/usr/bin/ctr',
  '/usr/sbin/runc',
  `${plugins}/bridge`,
  '/usr/bin/busybox',
  '/usr/sbin/ip',
];
const path = '/usr/sbin:/usr/bin:/sbin:/bin';
const sibling = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * A node whose pods really run: containerd, runc and a kubelet, in namespaces of their own, so that they all end
 * with one process. Resolves once pods can be scheduled on it.
 */
export async function startRealNode(components: Components, options: StartOptions): Promise<RealNode> {
  const { controlPlane, kubeconfigPath, images, gpus = 0, mounts = [], report } = options;
  const { folder } = components;
  await installPrograms(report);
  const name = realNodeName(folder);
  const network = freeNetwork();
  const hostAddress = `${network}.1`;
  const made = [];
  for (const make of [makeSandboxImage, ...images]) made.push(await make(folder));
  const [sandbox = '', ...references] = made.map(({ reference }) => reference);
  await writeFile(join(folder, 'containerd.toml'), containerdConfig(folder, sandbox));
  await writeFile(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfig({ folder, name, hostAddress })));
  await writeNetwork(folder, network);
  components.thenRun(`sh '${sibling('end-real-node.sh')}' ${name}`);
  await components.start('real-node', [
    ...([
      '/usr/bin/env',
      `PATH=${path}`,
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
    ] as const),
    ...[
      'bash',
      sibling('real-node.sh'),
      name,
      folder,
      hostAddress,
      controlPlane,
      ...mounts.flatMap(({ from, at }) => [from, at]),
    ],
  ]);
  const ctr = (...args: string[]) =>
    run('/usr/bin/ctr', ['--address', socket(folder), '--namespace', 'k8s.io', ...args]);
  await components.until(() => ctr('version').then(() => true));
  for (const image of made) await ctr('images', 'import', image.path);
  await untilReady(components, kubeconfigPath, gpus);
  return { hostAddress, images: references };
}

async function installPrograms(report: (message: string) => void): Promise<void> {
  if (await haveAll(programs)) return;
  const startedAt = performance.now();
  const install = `apt-get -qq update && apt-get -qq install --no-install-recommends ${packages.join(' ')}`;
  try {
    // Another test process may want the same.
    await run('flock', ['/var/lib/apt', 'sh', '-c', install], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (error) {
    throw new SetupError(
      `${packages.join(', ')}, of which the tests' real node is made, could not be installed: ${String(error)}\nhint: these are Debian's packages; install their like, or set TUNELINE_TEST_KUBECONFIG.`,
    );
  }
  report(`${packages.join(', ')} are installed, after ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

const haveAll = (paths: readonly string[]): Promise<boolean> =>
  Promise.all(paths.map((file) => access(file))).then(
    () => true,
    () => false,
  );

/** The first three numbers of an address that no interface of this host is near to. */
function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  for (;;) {
    // MLflow takes a request by such a private address, and by few others.
    const network = `10.${randomInt(200, 255)}.${randomInt(256)}`;
    if (!taken.some((address) => address.startsWith(`${network}.`))) return network;
  }
}

const socket = (folder: string): string => join(folder, 'containerd.sock');

function containerdConfig(folder: string, sandboxImage: string): string {
  return `version = 2
root = ${JSON.stringify(join(folder, 'containerd'))}
state = ${JSON.stringify(join(folder, 'containerd-state'))}
[grpc]
  address = ${JSON.stringify(socket(folder))}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${JSON.stringify(sandboxImage)}
  # Root may not put a process out of the reach of the OOM killer everywhere.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${JSON.stringify(plugins)}
    conf_dir = ${JSON.stringify(join(folder, 'network'))}
`;
}

function kubeletConfig({ folder, name, hostAddress }: { folder: string; name: string; hostAddress: string }) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: hostAddress,
    healthzPort: 0,
    // The API server has no certificate to show; nobody else knows this address, and it is gone in minutes.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${socket(folder)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${name}`,
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
    // Pods have nobody to ask for names.
    resolvConf: '',
    // Its rules are for services, and would outlive it.
    makeIPTablesUtilChains: false,
    failSwapOn: false,
    // However full the developer's disk is, these images and pods are small.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
  };
}

async function writeNetwork(folder: string, network: string): Promise<void> {
  const ipam = {
    type: 'host-local',
    dataDir: join(folder, 'addresses'),
    ranges: [[{ subnet: `${network}.0/24`, rangeStart: `${network}.10` }]],
  };
  const config = { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'bridge', bridge: 'pods', ipam }] };
  await mkdir(join(folder, 'network'));
  await writeFile(join(folder, 'network', 'pods.conflist'), JSON.stringify(config));
}

async function untilReady(components: Components, kubeconfigPath: string, gpus: number): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const core = config.makeApiClient(CoreV1Api);
  const read = () => core.readNode({ name: 'real' });
  await components.until(() => read().then(() => true));
  if (gpus > 0)
    await core.patchNodeStatus(
      { name: 'real', body: { status: { capacity: { 'nvidia.com/gpu': String(gpus) } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  await components.until(async () => {
    const { spec, status } = await read();
    const isReady = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    return (
      isReady === true &&
      (spec?.taints ?? []).length === 0 &&
      (gpus === 0 || status?.allocatable?.['nvidia.com/gpu'] === String(gpus))
    );
  });
}

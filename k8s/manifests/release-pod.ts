import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { V1Container, V1PodSpec, V1Probe, V1VolumeMount } from '@kubernetes/client-node';
import {
  releaseProxyRoutes,
  releaseProxyVariable,
  type ReleaseProxySettings,
} from '../../domain/endpoint/release-proxy-settings.ts';
import type { Release, Trial } from '../../domain/endpoint/release.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import { releaseLabels } from '../names.ts';
import type { StorageMount } from './job.ts';
import type { ReleasePlacement } from './release-placement.ts';

/** Ports of a pod: one for clients, one for the worker, and the engine's, which is open inside the pod only. */
export const ports = { clients: 8000, internal: 8001, engine: 8002 } as const;

export const engineContainer = 'engine';
/** The name of the release proxy's container. KServe expects its own name on the container that clients reach. */
const releaseProxyContainer = { own: 'release-proxy', kserve: 'kserve-container' } as const;

/** The Secret of API keys. The cluster's administrator creates it, because the worker may not read Secrets. */
const apiKeys = { secret: 'tuneline-api-keys', folder: '/etc/tuneline', file: 'keys.json' } as const;

/** Requests still arrive until every node knows that the pod is ending. */
const farewellSeconds = 10;
/** The longest answer to wait for: the release's own request timeout. */
const drainSecondsOf = ({ serving = defaultServing }: Release): number => serving.timeoutSeconds;
/** Time for the engine to exit after its last request. */
const engineEndSeconds = 20;

const internal = (path: string) => ({ httpGet: { path, port: ports.internal } });
const restricted = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

/** The pod of a release: an engine, and the release proxy that clients reach. */
export function podOf(release: Release, trial: Trial, placement: ReleasePlacement): V1PodSpec {
  const { gpus, gpuProduct, userId, storage } = placement;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: farewellSeconds + drainSecondsOf(release) + engineEndSeconds,
    ...(gpus > 0 && gpuProduct ? { nodeSelector: { 'nvidia.com/gpu.product': gpuProduct } } : {}),
    ...(gpus > 0 ? { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] } : {}),
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: releaseLabels(release) },
      },
    ],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [releaseProxyOf(release, trial, placement), engineOf(release, placement)],
    volumes: [
      // The processes of an engine on several GPUs pass tensors through it. The default of 64 MiB is too small.
      { name: 'shared-memory', emptyDir: { medium: 'Memory' } },
      { name: 'release-proxy-scratch', emptyDir: {} },
      { name: 'engine-scratch', emptyDir: {} },
      // Changes of the Secret take effect within a minute or two.
      { name: 'keys', secret: { secretName: apiKeys.secret, optional: true, defaultMode: 0o440 } },
      { name: 'storage', persistentVolumeClaim: { claimName: storage.claim, readOnly: true } },
    ],
  } satisfies V1PodSpec;
}

function releaseProxyOf(
  release: Release,
  { template }: Trial,
  { releaseProxyImage, releaseProxyEnv, kserve }: ReleasePlacement,
): V1Container {
  const settings: ReleaseProxySettings = {
    release,
    template,
    engine: { url: `http://127.0.0.1:${ports.engine}`, modelName: release.endpoint },
    port: ports.clients,
    internalPort: ports.internal,
    keysPath: `${apiKeys.folder}/${apiKeys.file}`,
    drainSeconds: drainSecondsOf(release),
  };
  const alive: V1Probe = internal(releaseProxyRoutes.health);
  return {
    name: kserve ? releaseProxyContainer.kserve : releaseProxyContainer.own,
    image: releaseProxyImage,
    command: ['node', '--disable-warning=ExperimentalWarning', 'workers/release-proxy.ts'],
    env: Object.entries({ ...releaseProxyEnv, [releaseProxyVariable]: JSON.stringify(settings) }).map(
      ([name, value]) => ({ name, value }),
    ),
    envFrom: [{ secretRef: { name: 'tuneline-mlflow', optional: true } }],
    ports: [
      { name: 'http', containerPort: ports.clients },
      { name: 'internal', containerPort: ports.internal },
    ],
    startupProbe: { ...alive, periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: { ...internal(releaseProxyRoutes.ready), periodSeconds: 5, timeoutSeconds: 5 },
    livenessProbe: { ...alive, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6 },
    lifecycle: { preStop: { sleep: { seconds: farewellSeconds } } },
    resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '1Gi' } },
    securityContext: restricted,
    volumeMounts: [
      { name: 'release-proxy-scratch', mountPath: '/tmp' },
      { name: 'keys', mountPath: apiKeys.folder, readOnly: true },
    ],
  };
}

/** The variables that an engine's command may use as `$(NAME)`. */
const engineVariables = {
  weights: 'TUNELINE_WEIGHTS',
  model: 'TUNELINE_MODEL',
  port: 'TUNELINE_PORT',
  gpus: 'TUNELINE_GPUS',
} as const;

function engineOf(release: Release, { image, command, gpus, cpu, memory, storage }: ReleasePlacement): V1Container {
  const weights = fileURLToPath(release.weights.uri);
  const needed = { ...(gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {}), ...(memory ? { memory } : {}) };
  // An engine that failed its probe answers no requests, so its shutdown does not wait for them.
  const answers = { ...internal(releaseProxyRoutes.engine), terminationGracePeriodSeconds: engineEndSeconds };
  const env = {
    [engineVariables.weights]: weights,
    [engineVariables.model]: release.endpoint,
    [engineVariables.port]: String(ports.engine),
    [engineVariables.gpus]: String(Math.max(1, gpus)),
    // The root file system is read-only, and the user has no entry in /etc/passwd.
    ...{
      HOME: '/tmp',
      USER: 'tuneline',
      HF_HOME: '/tmp/huggingface',
      XDG_CACHE_HOME: '/tmp/cache',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    // Everything is local, so downloads and telemetry are off.
    ...{ HF_HUB_OFFLINE: '1', DO_NOT_TRACK: '1' },
  };
  return {
    name: engineContainer,
    image,
    command: [...command],
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    // Half an hour. Until then Kubernetes runs no other probe.
    startupProbe: { ...answers, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 180 },
    // Many failures are allowed, because loading takes minutes, and because the release proxy that answers this probe
    // may be restarting.
    livenessProbe: { ...answers, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 18 },
    lifecycle: { preStop: internal(releaseProxyRoutes.drained) },
    // The end of the log shows why the engine keeps ending.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    resources: { limits: needed, requests: { cpu, ...needed } },
    securityContext: restricted,
    volumeMounts: [
      { name: 'shared-memory', mountPath: '/dev/shm' },
      { name: 'engine-scratch', mountPath: '/tmp' },
      // Read-only, and only the served weights and the base models. The node's page cache keeps what one pod has read
      // for the next pod. A separate copy on each node would need a hostPath volume, which restricted pods may not
      // have.
      ...[weightsMount(weights, storage.mounts), ...storage.mounts.filter(({ readOnly }) => readOnly)].map(
        (mount): V1VolumeMount => ({ name: 'storage', ...mount, readOnly: true }),
      ),
    ],
  };
}

/** Mounts only the folder of the weights, at the worker's own path. Throws if the folder is not in the claim. */
function weightsMount(path: string, mounts: readonly StorageMount[]): StorageMount {
  for (const { mountPath, subPath } of mounts) {
    const below = relative(mountPath, path);
    if (!below.startsWith('..') && !isAbsolute(below)) return { mountPath: path, subPath: join(subPath, below) };
  }
  throw new Error(
    `The weights at ${path} are not in the storage claim, which holds ${mounts.map(({ mountPath }) => mountPath).join(' and ')}: no pod sees them.`,
  );
}

import type { JobPlacement } from '../k8s/manifests/job.ts';
import type { ReleasePlacement } from '../k8s/manifests/release-placement.ts';
import { SetupError } from '../local/setup-error.ts';
import type { Config } from './config.ts';

/** Kubernetes expands the variables. */
const vllm =
  'vllm serve $(TUNELINE_WEIGHTS) --served-model-name $(TUNELINE_MODEL) --host 127.0.0.1 --port $(TUNELINE_PORT) --tensor-parallel-size $(TUNELINE_GPUS)';

const quantity = /^\d+(\.\d+)?(m|[kMGT]|[KMGT]i)?$/;

/**
 * The placement of releases on a cluster. Undefined if the local endpoint serves them. Throws a `SetupError` that names
 * every missing or wrong setting.
 */
export function releasePlacementOf({ serving }: Config, jobs: JobPlacement | undefined): ReleasePlacement | undefined {
  const {
    engineImage: image,
    releaseProxyImage,
    command = vllm,
    gpus = '1',
    gpuProduct,
    cpu = '1',
    memory,
    replicas = '1-4',
    load,
    gateway,
    gatewayUrl,
    servedBy = 'deployment',
  } = serving;
  if (!jobs || !image) return undefined;
  const [, least = '', most = least] = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(replicas) ?? [];
  const [, metric, each] = /^(.+)=([^=]+)$/.exec(load ?? '') ?? [];
  const [, gatewayNamespace, gatewayName] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(gateway ?? '') ?? [];
  const { storage } = jobs;
  const problems = [
    releaseProxyImage
      ? ''
      : "TUNELINE_RELEASE_PROXY_IMAGE: missing, expected the image of the release proxy by digest; it is the worker's image, made from k8s/install/worker.Dockerfile",
    command.trim() ? '' : 'TUNELINE_ENGINE_COMMAND: expected a program and its arguments',
    /^\d+$/.test(gpus) ? '' : `TUNELINE_ENGINE_GPUS: expected a whole number such as 1, or 0 for none, got "${gpus}"`,
    quantity.test(cpu)
      ? ''
      : `TUNELINE_ENGINE_CPU: expected processors as Kubernetes counts them, such as 2 or 500m, got "${cpu}"`,
    memory && !quantity.test(memory)
      ? `TUNELINE_ENGINE_MEMORY: expected an amount as Kubernetes writes it, such as 64Gi, got "${memory}"`
      : '',
    least && Number(least) <= Number(most)
      ? ''
      : `TUNELINE_ENGINE_REPLICAS: expected how many at least and at most, such as 2-8, got "${replicas}"`,
    load && !(metric && each && quantity.test(each))
      ? `TUNELINE_ENGINE_LOAD: expected a metric of pods and how much of it each takes, such as vllm:num_requests_waiting=4, got "${load}"`
      : '',
    gateway && !gatewayName ? `TUNELINE_GATEWAY: expected NAMESPACE/NAME of a Gateway, got "${gateway}"` : '',
    gateway && !/^https?:\/\/\*\.[a-z0-9.-]+(:\d+)?$/.test(gatewayUrl ?? '')
      ? `TUNELINE_GATEWAY_URL: expected where clients reach an endpoint through the Gateway, with * for its name, such as https://*.models.example.com, got "${gatewayUrl ?? ''}"`
      : '',
    /^(deployment|kserve)$/.test(servedBy) ? '' : `TUNELINE_SERVING: expected deployment or kserve, got "${servedBy}"`,
  ].filter((problem) => problem !== '');
  if (problems.length > 0 || !releaseProxyImage || !storage)
    throw new SetupError(
      `Releases can't be served on Kubernetes yet:\n${problems.map((problem) => `  ${problem}\n`).join('')}hint: README.md, "On Kubernetes", sets each of them; without TUNELINE_ENGINE_IMAGE the endpoint server serves them.`,
    );
  return {
    namespace: jobs.namespace,
    image,
    command: command.trim().split(/\s+/),
    cpu,
    releaseProxyImage,
    releaseProxyEnv: { HOME: '/tmp', MLFLOW_TRACKING_URI: jobs.env['MLFLOW_TRACKING_URI'] ?? '' },
    gpus: Number(gpus),
    userId: jobs.userId,
    storage,
    replicas: { least: Number(least), most: Number(most) },
    gpuProduct,
    memory,
    ...(metric && each ? { load: { metric, each } } : {}),
    ...(gatewayNamespace && gatewayName && gatewayUrl
      ? { gateway: { namespace: gatewayNamespace, name: gatewayName, url: gatewayUrl } }
      : {}),
    ...(servedBy === 'kserve' ? { kserve: true } : {}),
  };
}

import { expect, test } from '@jest/globals';
import { loadConfig } from '../../workers/config.ts';
import { placementOf } from '../../workers/kubernetes.ts';
import { releasePlacementOf } from '../../workers/kubernetes-releases.ts';

const jobs = {
  TUNELINE_RUNNER: 'kubernetes',
  TUNELINE_HOME: '/srv/tuneline',
  TUNELINE_JOB_IMAGE: 'jobs@sha256:0',
  TUNELINE_STORAGE_CLAIM: 'tuneline',
  MLFLOW_TRACKING_URI: 'https://mlflow.example',
};
const enough = { ...jobs, TUNELINE_ENGINE_IMAGE: 'vllm@sha256:0', TUNELINE_RELEASE_PROXY_IMAGE: 'worker@sha256:0' };

function place(env: Record<string, string>) {
  const config = loadConfig(env);
  return releasePlacementOf(config, placementOf(config, 1000));
}

test.each<[string, Record<string, string>]>([
  ['on this machine', { TUNELINE_ENGINE_IMAGE: 'vllm@sha256:0' }],
  ['on Kubernetes, where no engine is named', { ...jobs, TUNELINE_ENGINE_IMAGE: '' }],
])('the local endpoint serves what was trained %s', (_where, env) => {
  expect(place(env)).toBeUndefined();
});

test('what is needed is enough: vLLM on one GPU, which sees what the Jobs wrote', () => {
  expect(place(enough)).toEqual({
    ...{
      namespace: 'tuneline',
      image: 'vllm@sha256:0',
      cpu: '1',
      releaseProxyImage: 'worker@sha256:0',
      gpus: 1,
      userId: 1000,
    },
    command: [
      'vllm',
      'serve',
      '$(TUNELINE_WEIGHTS)',
      '--served-model-name',
      '$(TUNELINE_MODEL)',
      '--host',
      '127.0.0.1',
      '--port',
      '$(TUNELINE_PORT)',
      '--tensor-parallel-size',
      '$(TUNELINE_GPUS)',
    ],
    releaseProxyEnv: { HOME: '/tmp', MLFLOW_TRACKING_URI: 'https://mlflow.example' },
    storage: placementOf(loadConfig(jobs), 1000)?.storage,
    replicas: { least: 1, most: 4 },
  });
});

test('all of it can be said otherwise', () => {
  const env = {
    ...{
      TUNELINE_ENGINE_COMMAND: ' llama-server  -m $(TUNELINE_WEIGHTS)',
      TUNELINE_ENGINE_GPUS: '0',
      TUNELINE_ENGINE_GPU_PRODUCT: 'L4',
      TUNELINE_ENGINE_CPU: '500m',
      TUNELINE_ENGINE_MEMORY: '64Gi',
    },
    ...{
      TUNELINE_ENGINE_REPLICAS: '2-8',
      TUNELINE_ENGINE_LOAD: 'vllm:num_requests_waiting=4',
      TUNELINE_GATEWAY: 'gateways/public',
      TUNELINE_GATEWAY_URL: 'https://*.models.example.com',
    },
  };
  expect(place({ ...enough, ...env })).toMatchObject({
    ...{
      command: ['llama-server', '-m', '$(TUNELINE_WEIGHTS)'],
      gpus: 0,
      gpuProduct: 'L4',
      cpu: '500m',
      memory: '64Gi',
      replicas: { least: 2, most: 8 },
    },
    ...{
      load: { metric: 'vllm:num_requests_waiting', each: '4' },
      gateway: { namespace: 'gateways', name: 'public', url: 'https://*.models.example.com' },
    },
  });
  expect([
    place({ ...enough, TUNELINE_SERVING: 'kserve' })?.kserve,
    place({ ...enough, TUNELINE_SERVING: 'deployment' })?.kserve,
  ]).toEqual([true, undefined]);
  expect(place({ ...enough, TUNELINE_ENGINE_REPLICAS: '3' })?.replicas).toEqual({ least: 3, most: 3 });
});

test.each<[string, Record<string, string>, string]>([
  [
    'no image of the release proxy',
    { TUNELINE_RELEASE_PROXY_IMAGE: '' },
    'TUNELINE_RELEASE_PROXY_IMAGE: missing, expected',
  ],
  ['no command', { TUNELINE_ENGINE_COMMAND: ' ' }, 'TUNELINE_ENGINE_COMMAND: expected a program'],
  [
    'half a GPU',
    { TUNELINE_ENGINE_GPUS: '0.5' },
    'TUNELINE_ENGINE_GPUS: expected a whole number such as 1, or 0 for none, got "0.5"',
  ],
  ['processors that are none', { TUNELINE_ENGINE_CPU: 'two' }, 'TUNELINE_ENGINE_CPU: expected processors'],
  ['an amount that is none', { TUNELINE_ENGINE_MEMORY: '64GB' }, 'TUNELINE_ENGINE_MEMORY: expected an amount'],
  [
    'more at least than at most',
    { TUNELINE_ENGINE_REPLICAS: '4-2' },
    'TUNELINE_ENGINE_REPLICAS: expected how many at least and at most, such as 2-8, got "4-2"',
  ],
  ['no replica', { TUNELINE_ENGINE_REPLICAS: '0' }, 'TUNELINE_ENGINE_REPLICAS: expected'],
  ['a load without an amount', { TUNELINE_ENGINE_LOAD: 'waiting' }, 'TUNELINE_ENGINE_LOAD: expected a metric'],
  [
    'a Gateway without a namespace',
    { TUNELINE_GATEWAY: 'public', TUNELINE_GATEWAY_URL: 'https://*.example.com' },
    'TUNELINE_GATEWAY: expected NAMESPACE/NAME',
  ],
  [
    'what serves in no way that there is',
    { TUNELINE_SERVING: 'knative' },
    'TUNELINE_SERVING: expected deployment or kserve, got "knative"',
  ],
  [
    'a Gateway without an address',
    { TUNELINE_GATEWAY: 'gateways/public' },
    'TUNELINE_GATEWAY_URL: expected where clients reach',
  ],
])('%s is refused by name', (_what, env, message) => {
  expect(() => place({ ...enough, ...env })).toThrow(message);
});

test('all that is wrong is told at once', () => {
  expect(() => place({ ...enough, TUNELINE_RELEASE_PROXY_IMAGE: '', TUNELINE_ENGINE_GPUS: 'one' })).toThrow(
    /TUNELINE_RELEASE_PROXY_IMAGE[\s\S]*TUNELINE_ENGINE_GPUS[\s\S]*hint: /,
  );
});

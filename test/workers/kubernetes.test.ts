import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../workers/config.ts';
import { placementOf } from '../../workers/kubernetes.ts';

const enough = {
  TUNELINE_RUNNER: 'kubernetes',
  TUNELINE_HOME: '/srv/tuneline',
  TUNELINE_JOB_IMAGE: 'jobs@sha256:0',
  TUNELINE_STORAGE_CLAIM: 'tuneline',
  MLFLOW_TRACKING_URI: 'https://mlflow.example',
};
const place = (env: Record<string, string> = {}, uid = 1000) => placementOf(loadConfig({ ...enough, ...env }), uid);

test('without a word Jobs run on this machine', () => {
  expect(placementOf(loadConfig({}))).toBeUndefined();
});

test('what is needed is enough', () => {
  expect(place()).toEqual({
    namespace: 'tuneline',
    image: 'jobs@sha256:0',
    gpus: 1,
    userId: 1000,
    graceSeconds: 30,
    storage: {
      claim: 'tuneline',
      mounts: [
        { mountPath: '/srv/tuneline/models', subPath: 'models', readOnly: true },
        { mountPath: '/srv/tuneline/state/artifacts', subPath: 'state/artifacts' },
      ],
    },
    env: expect.objectContaining({ MLFLOW_TRACKING_URI: 'https://mlflow.example', HOME: '/tmp' }),
  });
});

test('pods see neither the tokens nor the databases that lie beside the artifacts', () => {
  for (const { subPath } of place()?.storage?.mounts ?? []) expect(['models', 'state/artifacts']).toContain(subPath);
});

test('everything else may be said', () => {
  const said = {
    NAMESPACE: 'ml',
    JOB_GPUS: '8',
    JOB_GPU_PRODUCT: 'H100',
    JOB_MEMORY: '64Gi',
    JOB_QUEUE: 'research',
    JOB_PRIORITY_CLASS: 'low',
    JOB_SECRET: 'mlflow',
    JOB_MLFLOW_URI: 'http://mlflow.ml',
  };
  expect(
    place(Object.fromEntries(Object.entries(said).map(([name, value]) => [`TUNELINE_${name}`, value]))),
  ).toMatchObject({
    namespace: 'ml',
    gpus: 8,
    gpuProduct: 'H100',
    memory: '64Gi',
    queue: 'research',
    priorityClass: 'low',
    secret: 'mlflow',
    env: { MLFLOW_TRACKING_URI: 'http://mlflow.ml' },
  });
});

test('Jobs are the user that the worker is, so that each reads what the other wrote; never root', () => {
  expect([place({}, 1234)?.userId, place({}, 0)?.userId]).toEqual([1234, 10_001]);
});

test.each<[string, Record<string, string>, string]>([
  ['another runner', { TUNELINE_RUNNER: 'slurm' }, 'TUNELINE_RUNNER: expected local or kubernetes, got "slurm".'],
  ['no image', { TUNELINE_JOB_IMAGE: '' }, 'TUNELINE_JOB_IMAGE: missing, expected'],
  ['no claim', { TUNELINE_STORAGE_CLAIM: '' }, 'TUNELINE_STORAGE_CLAIM: missing, expected'],
  [
    'half a GPU',
    { TUNELINE_JOB_GPUS: '0.5' },
    'TUNELINE_JOB_GPUS: expected a whole number such as 1, or 0 for none, got "0.5"',
  ],
  [
    'an amount that is none',
    { TUNELINE_JOB_MEMORY: '64GB' },
    'TUNELINE_JOB_MEMORY: expected an amount as Kubernetes writes it, such as 64Gi, got "64GB"',
  ],
  [
    'state that the claim does not hold',
    { TUNELINE_STATE: '/elsewhere' },
    'TUNELINE_STATE: expected a folder inside TUNELINE_HOME',
  ],
  [
    'the embedded MLflow on loopback',
    { MLFLOW_TRACKING_URI: '' },
    'TUNELINE_HOST: missing, for no pod reaches http://127.0.0.1:',
  ],
  [
    "a team's MLflow through a tunnel",
    { MLFLOW_TRACKING_URI: 'http://localhost:5000' },
    'TUNELINE_JOB_MLFLOW_URI: missing, for no pod reaches',
  ],
])('%s is refused by name', (_what, env, message) => {
  expect(() => place(env)).toThrow(message);
});

test('all that is missing is told at once', () => {
  expect(() => placementOf(loadConfig({ TUNELINE_RUNNER: 'kubernetes' }))).toThrow(
    /TUNELINE_JOB_IMAGE[\s\S]*TUNELINE_STORAGE_CLAIM[\s\S]*TUNELINE_HOST/,
  );
});

test('a worker that is told so says it in words, and ends', async () => {
  const worker = fileURLToPath(new URL('../../workers/worker.ts', import.meta.url));
  const ended = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', worker], {
    env: { TUNELINE_RUNNER: 'slurm' },
  }).catch((error: unknown) => error);
  expect(ended).toMatchObject({
    code: 1,
    stderr: 'error: TUNELINE_RUNNER: expected local or kubernetes, got "slurm".\n',
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addressesAt, writeStackState } from '../../local/stack-state.ts';
import { loadConfig } from '../../workers/config.ts';
import { openTracing } from '../../workers/tracing/open.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuneline-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('with nothing set, the embedded stack is used where it listens by default', () => {
  const config = loadConfig({ TUNELINE_STATE: folder });
  expect(config.temporal).toEqual({
    connection: { address: '127.0.0.1:7233' },
    namespace: 'default',
    embedded: true,
    uiUrl: 'http://127.0.0.1:8233',
  });
  expect(config.mlflow).toEqual({ trackingUri: 'http://127.0.0.1:5000', embedded: true });
});

test('what a pipeline left empty is not set', () => {
  const empty = Object.fromEntries(
    ['HOME', 'ENDPOINT_URL', 'CONSOLE_URL', 'TOKENS', 'TEMPORAL_UI'].map((name) => [`TUNELINE_${name}`, '']),
  );
  const {
    jobEnvironment: _jobs,
    serviceEnvironment: _services,
    ...config
  } = loadConfig({
    TUNELINE_STATE: folder,
    ...empty,
    TEMPORAL_ADDRESS: '',
    TEMPORAL_API_KEY: '',
    MLFLOW_TRACKING_URI: '',
  });
  expect(loadConfig({ TUNELINE_STATE: folder })).toMatchObject(config);
  expect(loadConfig({ TUNELINE_STATE: '' }).folders).toEqual(loadConfig({}).folders);
});

test('a stack that is up is found by what it wrote down', async () => {
  const addresses = addressesAt({
    temporal: 1001,
    temporalUi: 1002,
    mlflow: 1003,
    endpoint: 1004,
    console: 1005,
    events: 1006,
  });
  await writeStackState(folder, { addresses, up: { pid: 1, startedAt: '0' }, processes: {} });
  const config = loadConfig({ TUNELINE_STATE: folder });
  expect(config.temporal.connection.address).toBe('127.0.0.1:1001');
  expect([config.mlflow.trackingUri, config.endpointUrl, config.consoleUrl]).toEqual([
    'http://127.0.0.1:1003',
    'http://127.0.0.1:1004',
    'http://127.0.0.1:1005',
  ]);
});

test("a team's own Temporal comes from its temporal.toml profile", async () => {
  const path = join(folder, 'temporal.toml');
  await writeFile(path, '[profile.team]\naddress = "temporal.example:7233"\nnamespace = "llm"\n');
  const { temporal } = loadConfig({ TUNELINE_STATE: folder, TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: 'team' });
  expect(temporal).toMatchObject({
    connection: { address: 'temporal.example:7233' },
    namespace: 'llm',
    embedded: false,
  });
  expect(temporal).not.toHaveProperty('uiUrl');
  expect(
    loadConfig({
      TUNELINE_STATE: folder,
      TEMPORAL_CONFIG_FILE: path,
      TUNELINE_TEMPORAL_UI: 'https://temporal-ui.example',
    }).temporal.uiUrl,
  ).toBe('https://temporal-ui.example');
});

test.each([
  [{ MLFLOW_TRACKING_TOKEN: 't' }, 'Bearer t'],
  [{ MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD: 'p' }, `Basic ${btoa('u:p')}`],
  [{}, undefined],
])("a team's own MLflow, signed in with %j", (credentials, authorization) => {
  const { mlflow } = loadConfig({
    TUNELINE_STATE: folder,
    MLFLOW_TRACKING_URI: 'https://mlflow.example',
    ...credentials,
  });
  expect(mlflow).toMatchObject({ trackingUri: 'https://mlflow.example', embedded: false });
  expect(mlflow.authorization).toBe(authorization);
});

test('a Job sees nothing of the environment but what it needs', () => {
  const { jobEnvironment } = loadConfig({
    PATH: '/bin',
    CUDA_VISIBLE_DEVICES: '0',
    AWS_SECRET_ACCESS_KEY: 's',
    GITHUB_TOKEN: 's',
    PYTHONDONTWRITEBYTECODE: '1',
  });
  expect(jobEnvironment).toEqual({ PATH: '/bin', CUDA_VISIBLE_DEVICES: '0' });
});

test("of keys a Job sees the judge's, and no other of Tuneline's or a library's", () => {
  const { jobEnvironment } = loadConfig({
    TUNELINE_JUDGE_API_KEY: 's',
    TUNELINE_JUDGE_ADDRESS: 'a',
    TUNELINE_REVIEW_WEBHOOK: 's',
    OPENAI_API_KEY: 's',
  });
  expect(jobEnvironment).toEqual({ TUNELINE_JUDGE_API_KEY: 's', TUNELINE_JUDGE_ADDRESS: 'a' });
});

test.each<[Record<string, string>, string]>([
  [{ USER: 'ada', HOME: '/home/other' }, 'ada'],
  [{ LOGNAME: 'ada' }, 'ada'],
  [{ USER: '', HOME: '/home/ada/' }, 'ada'],
  [{ HOME: '/' }, 'unknown'],
  [{}, 'unknown'],
])('who asks is told from %j, and is never nobody: a spec needs a name', (env, name) => {
  expect(loadConfig({ TUNELINE_STATE: folder, ...env }).userName).toBe(name);
});

test('where reviews are told of is known to the worker and to no Job', () => {
  const { reviewWebhook, jobEnvironment } = loadConfig({
    TUNELINE_STATE: folder,
    TUNELINE_REVIEW_WEBHOOK: 'https://chat.example/SECRET',
  });
  expect(reviewWebhook).toBe('https://chat.example/SECRET');
  expect(JSON.stringify(jobEnvironment)).not.toContain('SECRET');
});

test.each([
  [{}, undefined],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/in/' }, 'http://collector:4318/in/v1/traces'],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces/in' },
    'http://traces/in',
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'TRUE' }, undefined],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' }, undefined],
])('with %j traces go to %s', (env, url) => {
  expect(loadConfig(env).tracing?.url).toBe(url);
});

test.each([
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    'OTEL_EXPORTER_OTLP_ENDPOINT: expected the URL of a collector such as http://127.0.0.1:4318, got "collector:4318/v1/traces".',
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json, got "grpc".\nhint: collectors take it at port 4318, and gRPC at 4317.',
  ],
])('traces with %j are refused', async (env, message) => {
  await expect(openTracing(loadConfig(env).tracing, 'test', () => undefined)).rejects.toThrow(message);
});

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMonitoringActivities, type WindowToObserve } from '../../activities/monitoring.ts';
import type { Artifact } from '../../domain/job/job.ts';
import type { MonitoringRun, MonitorSettings } from '../../domain/monitoring/monitoring.ts';
import { monitorSettingsOf } from '../../domain/monitoring/monitoring.ts';
import { type Observation, type Release, releaseId } from '../../domain/endpoint/release.ts';
import { embed } from '../../domain/monitoring/text-embedding.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { artifact } from '../builders/artifacts.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { observation } from '../builders/observations.ts';
import { aSpec } from '../builders/specs.ts';
import { someExamples } from '../builders/traffic.ts';
import { seeded } from '../faults/faults.ts';
import { type MlflowServer, openMlflow } from '../support/mlflow-server.ts';

const minuteMs = 60_000;
const release: Release = {
  endpoint: 'monitored',
  model: 'monitored',
  version: '3',
  weights: artifact('model'),
  prompt: { name: 'summarize', version: '1' },
};
const random = seeded(5);

let server: MlflowServer;
let mlflow: Mlflow;
let root: string;
let dataset: Artifact;
let lifecycleRunId: string;
beforeAll(async () => {
  server = await openMlflow();
  mlflow = createMlflow({ trackingUri: server.trackingUri });
  root = await mkdtemp(join(tmpdir(), 'tuneline-monitoring-'));
  await mkdir(join(root, 'dataset'));
  await writeFile(
    join(root, 'dataset', 'train.jsonl'),
    someExamples(300, random)
      .map((example) => `${JSON.stringify(example)}\n`)
      .join(''),
  );
  dataset = { uri: createLocalArtifactStore(root).uriOf('dataset'), digest: artifact('dataset').digest };
  lifecycleRunId = (
    await mlflow.runs.open({
      experimentId: await mlflow.experiments.ensure('monitored'),
      name: 'lifecycle',
      idempotencyTag: { key: 'of', value: 'test' },
    })
  ).runId;
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

/** The activities over an endpoint that has seen this. */
function watching(seen: readonly Observation[]) {
  const asked: number[] = [];
  const observe = (_endpoint: string, sinceMs: number) => {
    asked.push(sinceMs);
    return Promise.resolve(seen);
  };
  const tracking = createTracking(mlflow);
  return {
    ...createMonitoringActivities({
      tracking,
      artifacts: createLocalArtifactStore(root),
      endpoints: fakeEndpointHost({ observe }),
    }),
    asked,
  };
}

/** As the endpoint notes requests; one each second from the window's beginning on. */
const traffic = (
  count: number,
  planted?: Parameters<typeof someExamples>[2],
  change: Partial<Observation> = {},
): Observation[] =>
  someExamples(count, random, planted).map(({ prompt, completion }, i) =>
    observation({
      release: releaseId(release),
      atMs: minuteMs + i * 100,
      promptCharacters: prompt.length,
      answerCharacters: completion.length,
      embedding: embed(prompt),
      ...change,
    }),
  );

const settings = monitorSettingsOf(
  aSpec({
    evaluate: { examples: 16, costPerHour: 36, currency: 'EUR' },
    monitor: { breachWindows: 1, minimumRequests: 60, rules: [{ rule: 'inputDrift' }, { rule: 'errorRate' }] },
  }),
) as MonitorSettings;
const toObserve = (run: MonitoringRun, change: Partial<WindowToObserve> = {}): WindowToObserve => ({
  release,
  run,
  settings,
  bounds: { index: 4, sinceMs: minuteMs, untilMs: 2 * minuteMs },
  state: {},
  ...change,
});
const open = () => watching([]).openMonitoring(release, { dataset, runId: lifecycleRunId });

describe('monitoring is opened', () => {
  test('once for each release, with a profile that is kept with the lifecycle and the age of what the model knows', async () => {
    const run = await open();
    expect(await open()).toEqual(run);
    const profile = JSON.parse(
      new TextDecoder().decode(await mlflow.artifacts.get(lifecycleRunId, 'live-profile.json')),
    ) as unknown;
    expect(profile).toMatchObject({ schema: 1, dataset: dataset.digest, examples: 300 });
    expect(run.trainedAtMs).toBe((await mlflow.runs.get(lifecycleRunId)).startedAtMs);
    expect((await mlflow.runs.get(run.runId)).tags).toMatchObject({
      'tuneline.stage': 'monitor',
      'tuneline.endpoint': 'monitored',
    });
    expect(
      await watching([]).openMonitoring({ ...release, version: '4' }, { dataset, runId: lifecycleRunId }),
    ).toMatchObject({ runId: expect.not.stringMatching(run.runId) });
  });

  test('also where the data set has gone since the profile was made', async () => {
    expect(await watching([]).openMonitoring(release, { dataset: artifact('gone'), runId: lifecycleRunId })).toEqual(
      await open(),
    );
  });
});

describe('a window', () => {
  test('is logged as its step and drawn, and a retry changes nothing', async () => {
    const run = await open();
    const { observeWindow, asked } = watching([...traffic(70), ...traffic(30, {}, { status: 500 })]);
    const seen = await observeWindow(toObserve(run));
    expect(seen).toMatchObject({ requests: 100, closed: true, ended: [] });
    expect(seen.begun).toEqual([
      {
        rule: 'errorRate',
        then: 'rollback',
        sinceMs: 2 * minuteMs,
        because: 'errorRate 0.3 [0.206, 0.415], at most 0.05 allowed',
      },
    ]);
    expect(await observeWindow(toObserve(run))).toEqual(seen);
    expect(asked).toEqual([minuteMs, minuteMs]);

    expect(await mlflow.runs.metricHistory(run.runId, 'errorRate')).toEqual([
      { key: 'errorRate', value: 0.3, step: 4, timestampMs: 2 * minuteMs },
    ]);
    const { metrics } = await mlflow.runs.get(run.runId);
    expect(metrics).toMatchObject({
      requests: 100,
      'breached/errorRate': 1,
      'breached/inputDrift': 0,
      promptLengthDrift: expect.any(Number),
      'latencyP95Ms/high': 100,
      costPer1000Requests: 1,
    });
    const page = new TextDecoder().decode(await mlflow.artifacts.get(run.runId, 'monitor.html'));
    expect(page).toContain('<title>monitored: monitored version 3, window 4</title>');
    expect(page).toContain('errorRate is breached since 1970-01-01T00:02:00.000Z (rollback)');
    expect(page).toContain('costPer1000Requests (EUR) 1 [1, 1]');
    expect(page.match(/<svg /g)).toHaveLength(3 + Object.keys(metrics).filter((name) => name.endsWith('/low')).length);
    expect(page).not.toMatch(/<script|NaN|undefined|Infinity/);
  });

  test('of prompts that drift says so', async () => {
    const seen = await watching(
      traffic(100, { about: 'wie komme ich nach Freiburg und was kostet das' }),
    ).observeWindow(toObserve(await open()));
    expect(seen.begun).toMatchObject([
      {
        rule: 'inputDrift',
        then: 'retrain',
        because: expect.stringMatching(/promptLengthDrift .*promptEmbeddingDrift/),
      },
    ]);
  });

  test('holds what happened to its own release, in its own time', async () => {
    const others = [
      ...traffic(50, {}, { release: 'other' }),
      ...traffic(50, {}, { atMs: 0 }),
      ...traffic(50, {}, { atMs: 2 * minuteMs }),
    ];
    expect(await watching([...others, ...traffic(59)]).observeWindow(toObserve(await open()))).toMatchObject({
      requests: 59,
      closed: false,
    });
  });

  test('of too few requests goes on, and says nothing but how old the model is', async () => {
    const run = await open();
    const old = { ...settings, refresh: { maximumAgeDays: 2, then: 'alarm', coolDownHours: 24 } } as const;
    const untilMs = run.trainedAtMs + 3 * 24 * 3_600_000;
    const seen = await watching(traffic(59, {}, { status: 500 })).observeWindow(
      toObserve({ ...run, runId: 'nowhere' }, { settings: old, bounds: { index: 0, sinceMs: minuteMs, untilMs } }),
    );
    expect(seen).toMatchObject({
      requests: 59,
      closed: false,
      begun: [{ rule: 'modelAge', because: 'the model is 3 days old, at most 2 allowed' }],
    });
  });

  test('is not judged by another profile', async () => {
    const run = await open();
    await expect(
      watching(traffic(60)).observeWindow(toObserve({ ...run, profileDigest: artifact('other').digest })),
    ).rejects.toMatchObject({
      type: 'BadProfile',
      nonRetryable: true,
      message: expect.stringContaining('its digest differs'),
    });
  });
});

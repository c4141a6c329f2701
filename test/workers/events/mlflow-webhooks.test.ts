import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { FastifyInstance } from 'fastify';
import type { EventRule } from '../../../domain/spec/event-rules.ts';
import { localWebhooks, makeEncryptionKey } from '../../../local/mlflow-webhooks.ts';
import { freePort } from '../../../local/ports.ts';
import { createMlflow, type Mlflow } from '../../../mlflow/index.ts';
import { ensureMemory } from '../../../workers/events/open.ts';
import { createEventServer } from '../../../workers/events/server.ts';
import { createEventStarter, type EventStarter } from '../../../workers/events/starter.ts';
import { repository } from '../../support/stack.ts';
import { startMlflow, type MlflowServer } from '../../support/mlflow-server.ts';
import { startDevServer } from '../../support/temporal.ts';
import type { EventRequest } from './event-requests.ts';

const secret = 'what MLflow signs with';
const rules: readonly EventRule[] = [
  {
    when: { source: 'mlflow', type: 'model_version_alias.created', model: 'summaries', alias: 'champion' },
    start: 'redeploy',
    model: 'summaries',
    endpoint: 'summaries',
  },
];

let temporal: TestWorkflowEnvironment;
let server: MlflowServer;
let mlflow: Mlflow;
let starter: EventStarter;
let url: string;
beforeAll(async () => {
  [temporal, server] = await Promise.all([startDevServer(), startMlflow(localWebhooks(makeEncryptionKey()))]);
  mlflow = createMlflow({ trackingUri: server.trackingUri });
  starter = createEventStarter({
    client: temporal.client,
    taskQueue: 'events',
    readSpec: () => Promise.reject(new Error('no rule wants a spec')),
  });
  url = `http://127.0.0.1:${await freePort()}`;
  const experimentId = await mlflow.experiments.ensure('events');
  const { runId } = await mlflow.runs.open({
    experimentId,
    name: 'run',
    idempotencyTag: { key: 'key', value: 'run' },
    tags: {},
  });
  await mlflow.registry.ensureModel('summaries');
  for (const value of ['1', '2'])
    await mlflow.registry.registerVersion({ name: 'summaries', runId, idempotencyTag: { key: 'weights', value } });
});
afterAll(async () => {
  await Promise.all([temporal.teardown(), server.stop()]);
});

/** One may fail before its end; the next needs the port. */
const opened = new Set<FastifyInstance>();
afterEach(async () => {
  await Promise.all([...opened].map((eventServer) => eventServer.close()));
  opened.clear();
});

interface Answered {
  readonly request: EventRequest;
  readonly status: number;
  readonly answer: { readonly started: boolean; readonly workflowId: string };
}

/** An event server at the one address that MLflow knows, and what it answered. */
async function openEventServer(from: (eventServer: FastifyInstance) => EventStarter) {
  const answers: Answered[] = [];
  const waiting: ((answered: Answered) => void)[] = [];
  const own: { starter?: EventStarter } = {};
  const eventServer = createEventServer({
    rules,
    secrets: { mlflow: secret },
    log: () => undefined,
    starter: { start: (request) => own.starter?.start(request) ?? Promise.reject(new Error('not yet')) },
  });
  opened.add(eventServer);
  own.starter = from(eventServer);
  eventServer.addHook('onSend', (request, reply, payload, done) => {
    const answered: Answered = {
      request: { url: request.url, headers: request.headers as Record<string, string>, body: request.body as Buffer },
      status: reply.statusCode,
      answer: JSON.parse(String(payload)) as Answered['answer'],
    };
    const next = waiting.shift();
    if (next) next(answered);
    else answers.push(answered);
    done();
  });
  await eventServer.listen({ host: '127.0.0.1', port: Number(new URL(url).port) });
  return {
    eventServer,
    next: (): Promise<Answered> =>
      new Promise((resolve) =>
        answers.length > 0 ? resolve(answers.shift() as Answered) : void waiting.push(resolve),
      ),
  };
}

const executions = async (): Promise<number> => {
  const { executions: open } = await temporal.client.workflowService.listOpenWorkflowExecutions({
    namespace: temporal.namespace ?? 'default',
    maximumPageSize: 100,
    startTimeFilter: {},
  });
  return open?.length ?? 0;
};

test('an alias that is set in MLflow starts redeploy on Temporal; the same delivery again starts nothing, and so does one that is changed', async () => {
  await mlflow.webhooks.ensure({ url: `${url}/events/mlflow`, secret: 'an earlier secret, wrong by now' });
  const made = await mlflow.webhooks.ensure({ url: `${url}/events/mlflow`, secret });
  expect(await mlflow.webhooks.list()).toEqual([made]);
  expect(made.events.toSorted()).toEqual(['model_version_alias.created', 'model_version_alias.deleted']);

  const { eventServer, next } = await openEventServer(() => starter);
  await mlflow.registry.setAlias('summaries', 'champion', '1');
  const { request, status, answer } = await next();
  expect([status, answer.started]).toEqual([202, true]);
  const { type, status: state } = await temporal.client.workflow.getHandle(answer.workflowId).describe();
  expect([type, state.name]).toEqual(['redeploy', 'RUNNING']);

  const again = await eventServer.inject({
    method: 'POST',
    url: request.url,
    headers: request.headers,
    payload: request.body,
  });
  expect([again.statusCode, again.json<Answered['answer']>()]).toEqual([
    200,
    { started: false, because: 'already started', workflowId: answer.workflowId },
  ]);
  const changed = await eventServer.inject({
    method: 'POST',
    url: request.url,
    headers: { ...request.headers, 'x-mlflow-delivery-id': 'another' },
    payload: request.body,
  });
  expect(changed.statusCode).toBe(401);
  await temporal.client.workflow.getHandle(answer.workflowId).terminate();
  // Closed executions count as well.
  expect(
    (await eventServer.inject({ method: 'POST', url: request.url, headers: request.headers, payload: request.body }))
      .statusCode,
  ).toBe(200);
});

test('an alias that is put where it is, or taken away where it is not, tells nobody: else redeploy would lead to itself', async () => {
  const { next } = await openEventServer(() => starter);
  await mlflow.registry.setAlias('summaries', 'champion', '1');
  await mlflow.registry.deleteAlias('summaries', 'previous');
  await mlflow.registry.setAlias('summaries', 'previous', '2');
  const { request } = await next();
  expect(JSON.parse(request.body.toString())).toMatchObject({
    data: { name: 'summaries', alias: 'previous', version: '2' },
  });
});

test('an event server that dies after it started and before it answers: MLflow sends again, and nothing starts twice', async () => {
  const before = await executions();
  const died = Promise.withResolvers<string>();
  await openEventServer((eventServer) => ({
    async start(request) {
      await starter.start(request);
      // Nothing is answered any more, and the port is free.
      void eventServer.close();
      eventServer.server.closeAllConnections();
      died.resolve(request.workflowId);
      return new Promise(() => undefined);
    },
  }));
  await mlflow.registry.setAlias('summaries', 'champion', '2');
  const workflowId = await died.promise;
  const { next } = await openEventServer(() => starter);
  expect((await next()).answer).toEqual({ started: false, because: 'already started', workflowId });
  expect(await executions()).toBe(before + 1);
});

test('Temporal keeps executions for as long as an event could be told again', async () => {
  await ensureMemory(temporal.client);
});

describe('"tuneline webhooks"', () => {
  /** As on a machine of the team's, whose MLflow this is. */
  async function webhooks(
    args: readonly string[],
    env: Readonly<Record<string, string>> = { TUNELINE_MLFLOW_WEBHOOK_SECRET: secret },
  ) {
    const { PATH = '' } = process.env;
    const settings = {
      PATH,
      MLFLOW_TRACKING_URI: server.trackingUri,
      TUNELINE_STATE: join(tmpdir(), 'tuneline-none'),
      TUNELINE_EVENT_RULES: 'examples/events/rules.json',
      TUNELINE_EVENTS_URL: url,
    };
    const asked = promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(repository, 'scripts/cli/tuneline.ts'), 'webhooks', ...args],
      { cwd: repository, env: { ...settings, ...env } },
    );
    return asked.then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
  }

  test('takes away what it lists', async () => {
    const { stdout } = await webhooks(['list', '--json']);
    const there = JSON.parse(stdout) as { id: string; url: string }[];
    expect(there).toEqual(await mlflow.webhooks.list());
    for (const { id } of there) expect(await webhooks(['delete', id])).toMatchObject({ code: 0, stdout: '' });
    expect(await mlflow.webhooks.list()).toEqual([]);
  });

  test('has MLflow tell the console, with the secret that this believes', async () => {
    const { stdout } = await webhooks(['create']);
    const [made] = await mlflow.webhooks.list();
    expect(stdout).toBe(
      `${made?.id ?? ''}  tuneline  ${url}/events/mlflow  model_version_alias.created, model_version_alias.deleted\n`,
    );
    const { next } = await openEventServer(() => starter);
    await mlflow.registry.deleteAlias('summaries', 'champion');
    await mlflow.registry.setAlias('summaries', 'champion', '1');
    expect([(await next()).status, (await next()).status].toSorted()).toEqual([200, 202]);
  });

  test('names another address where the console has one for MLflow', async () => {
    await webhooks(['create', '--url', 'http://127.0.0.1:9/']);
    expect((await mlflow.webhooks.list()).map((webhook) => webhook.url).toSorted()).toEqual(
      [`${url}/events/mlflow`, 'http://127.0.0.1:9/events/mlflow'].toSorted(),
    );
    expect((await webhooks(['list'])).stdout.trim().split('\n')).toHaveLength(2);
  });

  test('asks for a secret where there is none, and for an ID that there is', async () => {
    expect(await webhooks(['create'], {})).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /no secret that MLflow could sign with\.\nhint: set TUNELINE_MLFLOW_WEBHOOK_SECRET/,
      ),
    });
    expect(await webhooks(['delete', 'none'])).toMatchObject({ code: 1, stdout: '' });
  });
});

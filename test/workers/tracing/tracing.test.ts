import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { tags } from '../../../domain/lineage/tracking.ts';
import { taskQueue } from '../../../workers/config.ts';
import { createEndpointQueue } from '../../../workers/endpoint-queue.ts';
import { createEventServer } from '../../../workers/events/server.ts';
import { createEventStarter } from '../../../workers/events/starter.ts';
import { ensureSearchAttributes } from '../../../workers/search-attributes.ts';
import { openTracing } from '../../../workers/tracing/open.ts';
import type { Tracing } from '../../../workers/tracing/tracing.ts';
import { candidateOf } from '../../builders/releases.ts';
import { aSpec, specInput } from '../../builders/specs.ts';
import { datasetBody, secrets, signedRequest } from '../events/event-requests.ts';
import { startOtlpReceiver, type ReceivedSpan } from '../../support/otlp-receiver.ts';
import { startDevServer, startTimeSkipping } from '../../support/temporal.ts';
import { until } from '../../support/until.ts';
import { withWorker } from './traced-lab.ts';

let environment: TestWorkflowEnvironment;
let collector: Awaited<ReturnType<typeof startOtlpReceiver>>;
beforeAll(async () => {
  [environment, collector] = await Promise.all([startDevServer(), startOtlpReceiver()]);
  await ensureSearchAttributes(environment.client);
});
let tracing: Tracing | undefined;
afterAll(async () => {
  await tracing?.close();
  collector.close();
  await environment.teardown();
});

/** One process has one tracing. A standard variable of the SDK has it send at once. */
async function traced(): Promise<Tracing> {
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '50';
  tracing ??= await openTracing({ url: collector.url, protocol: undefined }, 'tuneline-test', () => undefined);
  if (!tracing) throw new Error('there is a collector');
  return tracing;
}

const spanOf = (name: string, of: Readonly<Record<string, unknown>> = {}): Promise<ReceivedSpan> =>
  until(() =>
    Promise.resolve(
      collector
        .spans()
        .find(
          (span) => span.name === name && Object.entries(of).every(([key, value]) => span.attributes[key] === value),
        ),
    ),
  );

const eventTypes = async (workflowId: string) =>
  ((await environment.client.workflow.getHandle(workflowId).fetchHistory()).events ?? []).map(
    ({ eventType }) => eventType,
  );

const runs = (changes: readonly unknown[][]) =>
  changes.flatMap(([what, run]) => (what === 'openRun' ? [run as { name: string; tags: Record<string, string> }] : []));
const outcomes = (changes: readonly unknown[][]) =>
  changes.flatMap(([what, , set]) =>
    what === 'setTags'
      ? [JSON.parse((set as Record<string, string>)[tags.outcome] ?? '{}') as { outputs: { trace: { uri: string } } }]
      : [],
  );

test('without a collector nothing of a trace is in headers, environment or runs', async () => {
  expect(await openTracing(undefined, 'tuneline-test', () => undefined)).toBeUndefined();
  const changes = await withWorker(environment, undefined, async ({ client, changes: noted }) => {
    await client.workflow.execute('lifecycle', { taskQueue, workflowId: 'untraced', args: [specInput()] });
    return noted;
  });
  const { events } = await environment.client.workflow.getHandle('untraced').fetchHistory();
  expect(JSON.stringify(events)).not.toContain('_tracer-data');
  expect(outcomes(changes).map(({ outputs }) => outputs.trace.uri)).toEqual(['none', 'none', 'none', 'none']);
  for (const run of runs(changes)) expect(run.tags).not.toHaveProperty([tags.traceId]);
});

test('one trace leads from the event to the run of each Job, and back', async () => {
  const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
  const { changes, workflowId } = await withWorker(environment, await traced(), async ({ client, changes: noted }) => {
    const server = createEventServer({
      rules: [
        { when: { type: 'dev.tuneline.dataset.changed', dataset: 'reviews' }, start: 'lifecycle', spec: 'spec.json' },
      ],
      secrets,
      starter: createEventStarter({ client, taskQueue, readSpec: () => Promise.resolve({ ...specInput() }) }),
      log: () => undefined,
    });
    (await traced()).requests(server, '/events/');
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const { url, headers, body } = signedRequest(datasetBody(Date.now()), { id: 'traced', nowMs: Date.now() });
    const answer = await fetch(address + url, {
      method: 'POST',
      headers: { ...headers, traceparent: `00-${caller.traceId}-${caller.spanId}-01` },
      body: new Uint8Array(body),
    });
    const { workflowId: started } = (await answer.json()) as { workflowId: string };
    expect(await client.workflow.getHandle(started).result()).toMatchObject({ verdict: 'promoted' });
    await server.close();
    return { changes: noted, workflowId: started };
  });

  expect(runs(changes).map(({ name }) => name)).toEqual(['explore', 'prepare', 'tune', 'evaluate']);
  for (const run of runs(changes)) expect(run.tags[tags.traceId]).toBe(caller.traceId);
  const job = await spanOf('Job:tune');
  const workflow = await spanOf('RunWorkflow:lifecycle');
  expect(job).toMatchObject({
    traceId: caller.traceId,
    service: 'tuneline-test',
    attributes: {
      'mlflow.run_id': 'job-run',
      'tuneline.stage': 'tune',
      'tuneline.outcome': 'succeeded',
      'tuneline.gpus': 8,
    },
  });
  // By its start, not its end: the activity is over before the Job is.
  expect(BigInt(job.endTimeUnixNano)).toBeGreaterThan(BigInt(job.startTimeUnixNano));
  const trigger = await spanOf('POST /events/signed', { 'http.response.status_code': 202 });
  expect(trigger.parentSpanId).toBe(caller.spanId);
  const toTrigger = ['RunWorkflow:lifecycle', 'StartWorkflow:lifecycle', 'POST /events/signed'];
  expect(collector.path(job)).toEqual(['Job:tune', 'RunActivity:runJob', 'StartActivity:runJob', ...toTrigger]);
  expect(collector.path(await spanOf('RunActivity:checkSpec'))).toEqual([
    'RunActivity:checkSpec',
    'StartActivity:checkSpec',
    ...toTrigger,
  ]);
  // What a Job traces itself is under its span.
  expect(outcomes(changes)[2]?.outputs.trace.uri).toBe(`00-${caller.traceId}-${job.spanId}-01`);
  // To the endpoint it leads with what it is asked; what that does then is no part of it.
  const asked = await spanOf('HandleSignal:release');
  expect(collector.path(asked)).toEqual([
    'HandleSignal:release',
    'SignalWithStartWorkflow:endpoint',
    'RunActivity:askEndpoint',
    'StartActivity:askEndpoint',
    ...toTrigger,
  ]);
  expect(collector.spans().map(({ name }) => name)).not.toContain('RunActivity:readCandidate');
  // Of an execution no more is told than what it is.
  expect(Object.keys(workflow.attributes).toSorted()).toEqual(['attempt', 'runId', 'workflowId', 'workflowType']);
  expect(await eventTypes(workflowId)).toEqual(await eventTypes('untraced'));
});

test('a lifecycle that Temporal starts, for its schedule or a person in its UI, begins a trace', async () => {
  await withWorker(environment, await traced(), () =>
    environment.client.workflow.execute('lifecycle', { taskQueue, workflowId: 'by-hand', args: [specInput()] }),
  );
  const workflow = await spanOf('RunWorkflow:lifecycle', { workflowId: 'by-hand' });
  expect(workflow.parentSpanId).toBeUndefined();
  const job = collector.spans().find(({ name, traceId }) => name === 'Job:tune' && traceId === workflow.traceId);
  expect(job && collector.path(job)).toEqual([
    'Job:tune',
    'RunActivity:runJob',
    'StartActivity:runJob',
    'RunWorkflow:lifecycle',
  ]);
});

test('a lifecycle that the monitor of an endpoint starts begins a trace, which is not that of who asked the endpoint first', async () => {
  const skipping = await startTimeSkipping();
  const candidate = candidateOf({ version: '1' });
  const terms = { ...candidate.terms, spec: aSpec({ monitor: { windowMinutes: 30 } }) };
  const drift = { rule: 'inputDrift', then: 'retrain', sinceMs: 0, because: 'drift' } as const;
  const given = {
    readCandidate: () => Promise.resolve({ ...candidate, terms }),
    observeWindow: () =>
      Promise.resolve({
        requests: 100,
        closed: true,
        state: { inputDrift: { recent: [], breach: drift } },
        begun: [drift],
        ended: [],
      }),
    checkSpec: () => Promise.reject(new Error('that it was started is enough')),
  };
  try {
    await withWorker(
      skipping,
      await traced(),
      async ({ client }) => {
        await createEndpointQueue(client).ask({
          id: 'first',
          endpoint: 'summaries',
          model: 'summaries',
          version: '1',
          atOnce: true,
          because: 'test',
        });
        await skipping.sleep('31 minutes');
        const started = await spanOf('StartChildWorkflow:lifecycle');
        expect(started.parentSpanId).toBeUndefined();
        await client.workflow.getHandle('endpoint-summaries').terminate();
        await client.workflow
          .getHandle('retrain-summaries')
          .terminate()
          .catch(() => undefined);
      },
      given,
    );
  } finally {
    await skipping.teardown();
  }
});

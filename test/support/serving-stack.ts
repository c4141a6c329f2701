import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { EndpointHost } from '../../domain/endpoint/release.ts';
import type { ReleaseTerms } from '../../domain/endpoint/roll-out.ts';
import { recordTag, tags, type Tracking } from '../../domain/lineage/tracking.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { createEndpointClient } from '../../local/endpoint-client.ts';
import { localWebhooks, makeEncryptionKey } from '../../local/mlflow-webhooks.ts';
import { isGroupAlive } from '../../local/process-identity.ts';
import { readStackState } from '../../local/stack-state.ts';
import { Stack } from '../../local/stack.ts';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { aSpec } from '../builders/specs.ts';
import { disagreements } from './agreement.ts';
import type { QuickWeights } from './quick-engine.ts';
import { repository } from './stack.ts';
import { until } from './until.ts';

export const serviceNames = ['worker', 'console', 'endpoint', 'mlflow', 'temporal'] as const;
export type ServiceName = (typeof serviceNames)[number];

interface VersionToMake extends Pick<QuickWeights, 'fails'> {
  readonly isApproved?: boolean;
  /** Of its canary, in percent. */
  readonly steps?: number[];
}

/** The services of `tuneline up`, each a process that may be killed, on engines that start at once. No Job can run. */
export class ServingStack {
  readonly #stack: Stack;
  readonly #folder: string;
  readonly #state: string;
  readonly client: Client;
  readonly mlflow: Mlflow;
  readonly tracking: Tracking;
  readonly host: EndpointHost;
  /** While the endpoint was down: from when to when. */
  readonly outages: { fromMs: number; untilMs: number }[] = [];

  private constructor(stack: Stack, folder: string, client: Client) {
    const { endpoint: url, mlflow: trackingUri } = stack.addresses;
    this.#stack = stack;
    this.#folder = folder;
    this.#state = join(folder, 'state');
    this.client = client;
    this.mlflow = createMlflow({ trackingUri });
    this.tracking = createTracking(this.mlflow);
    this.host = createEndpointClient({
      url,
      readToken: async () => (await readFile(join(this.#state, 'endpoint-token'), 'utf8')).trim(),
    });
  }

  /** With an endpoint for each of the models, of the model's name, and rules that have it follow `champion`. */
  static async start(models: readonly string[]): Promise<ServingStack> {
    const folder = await mkdtemp(join(tmpdir(), 'tuneline-serving-'));
    const [home, state] = [await makeHome(join(folder, 'home')), join(folder, 'state')];
    const rules = models.flatMap((model) =>
      ['created', 'deleted'].map((what) => ({
        when: { type: `model_version_alias.${what}`, model, alias: 'champion' },
        start: 'redeploy',
        model,
        endpoint: model,
      })),
    );
    await writeFile(join(folder, 'rules.json'), JSON.stringify({ rules }));
    await mkdir(state);
    const secret = makeEncryptionKey();
    for (const name of ['mlflow-webhook-secret', 'event-secret'])
      await writeFile(join(state, name), secret, { mode: 0o600 });
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
    const stack = new Stack({
      repository,
      home,
      state,
      env: { PATH, HOME, NODE_COMPILE_CACHE, TUNELINE_EVENT_RULES: join(folder, 'rules.json') },
      report: () => undefined,
    });
    await stack.prepare();
    await Promise.all([stack.startTemporal(), stack.startMlflow(localWebhooks(makeEncryptionKey()))]);
    await Promise.all([stack.startEndpoint(), stack.startConsole(), stack.startWorker()]);
    const started = new ServingStack(
      stack,
      folder,
      new Client({ connection: await Connection.connect({ address: stack.addresses.temporal }) }),
    );
    await started.mlflow.webhooks.ensure({ url: `${stack.addresses.events}/events/mlflow`, secret });
    return started;
  }

  get url(): string {
    return this.#stack.addresses.endpoint;
  }

  /** As a lifecycle registers what it approved; without a verdict where nothing did. */
  async register(
    model: string,
    label: string,
    { isApproved = true, steps = [20, 60], ...weights }: VersionToMake = {},
  ): Promise<string> {
    const artifacts = createLocalArtifactStore(join(this.#state, 'artifacts'));
    const write = async (path: string, text: string) => {
      const target = join(this.#state, 'artifacts', model, path);
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(target, text);
      const uri = pathToFileURL(join(target, '..')).href;
      return { uri, digest: await artifacts.digest(uri) };
    };
    const dataset = await write('dataset/heldout.jsonl', '{"prompt": "a"}\n{"prompt": "b"}\n');
    const spec = aSpec({
      model,
      deploy: {
        endpoint: model,
        canary: { steps, bakeSeconds: 0.3, minimumRequests: 4, maximumLatencyRatio: 100 },
        objective: { requests: 8 },
        serving: { traceShare: 0 },
      },
    });
    const runId = await this.tracking.openRun({
      experiment: model,
      name: label,
      key: { key: tags.executionKey, value: `${model} ${label}` },
      tags: {},
    });
    return this.tracking.registerVersion({
      model,
      runId,
      weights: await write(
        `${label}/weights.json`,
        JSON.stringify({ says: `${model} ${label}`, ...weights } satisfies QuickWeights),
      ),
      description: label,
      tags: {
        [tags.promptVersion]: `plain/${await this.tracking.registerPrompt('plain', '{{description}}')}`,
        [tags.releaseTerms]: JSON.stringify({ spec, dataset, runId } satisfies ReleaseTerms),
        [tags.evidenceDigest]: 'sha256:e',
        ...(isApproved ? { [tags.verdict]: 'gate passed' } : {}),
      },
    });
  }

  /** As someone who changes what the gate let through. */
  async tamperWith(model: string, label: string): Promise<void> {
    await writeFile(
      join(this.#state, 'artifacts', model, label, 'weights.json'),
      JSON.stringify({ says: `${model} ${label} since` } satisfies QuickWeights),
    );
  }

  /** `kill -9` of a service and all in its group, once it runs. The stack starts it again. */
  async kill(name: ServiceName): Promise<void> {
    const victim = await until(() => {
      const found = readStackState(this.#state)?.processes[name];
      return Promise.resolve(found && isGroupAlive(found) && found);
    });
    const outage = { fromMs: Date.now(), untilMs: Infinity };
    if (name === 'endpoint') this.outages.push(outage);
    process.kill(-victim.pid, 'SIGKILL');
    if (name === 'endpoint') void this.#untilAnswering().then(() => (outage.untilMs = Date.now()));
  }

  /** Sentences; none where traffic, aliases and record of an endpoint agree. */
  async disagreements(model: string): Promise<string[]> {
    const [{ shares }, record, champion, previous] = await Promise.all([
      this.host.traffic(model),
      this.tracking.modelTags(model).then((all) => all[recordTag(model)]),
      this.tracking.aliasVersion(model, 'champion'),
      this.tracking.aliasVersion(model, 'previous'),
    ]);
    return disagreements({ shares, record, champion, previous });
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    await this.#stack.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #untilAnswering(): Promise<void> {
    while (!(await fetch(`${this.url}/healthz`).catch(() => undefined))?.ok) await delay(20);
  }
}

/** The tools of this checkout, but for the engine. */
async function makeHome(home: string): Promise<string> {
  const [own, bin] = [join(repository, '.tuneline'), join(home, 'tools', 'jobs', 'bin')];
  await mkdir(bin, { recursive: true });
  await mkdir(join(own, 'cache'), { recursive: true });
  await symlink(join(own, 'tools', 'services'), join(home, 'tools', 'services'));
  await symlink(join(own, 'cache'), join(home, 'cache'));
  await writeFile(
    join(bin, 'transformers'),
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${join(repository, 'test/support/quick-engine.ts')}' "$@"\n`,
  );
  await chmod(join(bin, 'transformers'), 0o700);
  return home;
}

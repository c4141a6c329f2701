import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import type { FaultRates } from './faults.ts';
import type { JobController } from './job-controller.ts';
import type { Plan } from './pods.ts';
import { problem, reply } from './replies.ts';
import { Run } from './run.ts';
import type { Deletion, MutatingRequest, Options } from './requests.ts';
import type { Resource } from './api-object.ts';
import type { Store } from './store.ts';

const pathPattern =
  /^\/run-(\d+)\/(?:api|apis\/batch)\/v1(?:\/namespaces\/([^/]+))?\/(jobs|pods|events)(?:\/([^/]+))?(\/log)?$/;

/** A Kubernetes API server as far as a runner of Jobs sees it, with the faults of a seed; `reset` before the first request. */
export class FakeApiServer {
  readonly #server = createServer((request, response) => this.#receive(request, response));
  readonly #options: Options;
  #run: Run;
  #runs = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#run = new Run(0, {}, options);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Another one after each `reset`: what belongs to an earlier seed cannot reach this one's objects. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/run-${this.#runs}`;
  }

  /** Forgets everything, cuts every connection of before, and decides faults from `seed`. */
  reset(seed: number, rates: FaultRates = {}): void {
    this.#run.close();
    this.#runs += 1;
    this.#run = new Run(seed, rates, this.#options);
  }

  /** Other rates from here on, in the same sequence. */
  setFaults(rates: FaultRates): void {
    this.#run.faults.setRates(rates);
  }

  /** What becomes of the pods of a Job; by default they exit with 0 and no message. */
  setPlan(plan: Plan): void {
    this.#run.controller.plan = plan;
  }

  /** No faults any more, silent watches are cut, and the controller goes on until all is at rest; then it keeps stepping by itself. */
  async quiet(): Promise<void> {
    this.setFaults({});
    for (const watch of [...this.#run.watches]) watch.cutIfSilent();
    await this.controller.settle();
    this.controller.start();
  }

  get controller(): JobController {
    return this.#run.controller;
  }
  /** To look at objects, to add events, to `compact`. */
  get store(): Store {
    return this.#run.store;
  }
  get log(): readonly MutatingRequest[] {
    return this.#run.log;
  }
  /** Deletions that were accepted, each object once. */
  get deletions(): readonly Deletion[] {
    return this.#run.deletions;
  }
  /** Every fault decided so far, `none` included. */
  get decisions(): readonly string[] {
    return this.#run.faults.decisions;
  }
  get openWatches(): number {
    return this.#run.watches.size;
  }
  /** Pods of a Job of that name, of any UID, that had neither ended nor gone, at the worst moment. */
  maximumLivePods(jobName: string): number {
    return this.#run.maximumLive.get(jobName) ?? 0;
  }
  livePods(jobName: string): number {
    return this.#run.livePods(jobName);
  }
  /** How often a container of that Job began to run. */
  podsStarted(jobName: string): number {
    return this.#run.started.get(jobName) ?? 0;
  }

  async close(): Promise<void> {
    this.#run.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://fake');
    const [, run, namespace, resource, name, log] = pathPattern.exec(pathname) ?? [];
    if (resource === undefined) {
      reply(response, problem(404, 'NotFound', 'the server could not find the requested resource'));
    } else if (Number(run) !== this.#runs) response.destroy();
    else
      this.#run
        .handle(request, response, { resource: resource as Resource, namespace, name, log: log !== undefined, query })
        .catch(() => response.destroy());
  }
}

export async function startFakeApiServer(options: Options = {}): Promise<FakeApiServer> {
  const server = new FakeApiServer(options);
  await server.listen();
  return server;
}

/** A kubeconfig of one context; the log tells clients apart by `user`. */
export function kubeConfigFor(url: string, user = 'runner'): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'fake', server: url, skipTLSVerify: true }],
    users: [{ name: user, token: user }],
    contexts: [{ name: 'fake', cluster: 'fake', user, namespace: 'default' }],
    currentContext: 'fake',
  });
  return config;
}

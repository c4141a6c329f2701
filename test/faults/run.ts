import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { resources, type ApiObject, type NewObject, type Resource } from './api-object.ts';
import { Faults, type FaultRates, type RequestFate } from './faults.ts';
import { JobController } from './job-controller.ts';
import { jobNameLabel } from './pods.ts';
import { mergePatch } from './patch.ts';
import { reply, problem, type Answer } from './replies.ts';
import {
  checkPreconditions,
  type MutatingRequest,
  type Deletion,
  type Options,
  type Target,
  bodyOf,
  verbOf,
  type DeleteOptions,
} from './requests.ts';
import { gone, StatusError } from './status.ts';
import { filterOf, Store } from './store.ts';
import { WatchStream } from './watch-stream.ts';

/** All that belongs to one seed. What still arrives for an earlier one finds its connection cut. */
export class Run {
  readonly store: Store;
  readonly faults: Faults;
  readonly controller: JobController;
  readonly log: MutatingRequest[] = [];
  readonly deletions: Deletion[] = [];
  readonly watches = new Set<WatchStream>();
  readonly responses = new Set<ServerResponse>();
  readonly maximumLive = new Map<string, number>();
  readonly started = new Map<string, number>();
  readonly #options: Options;

  constructor(seed: number, rates: FaultRates, options: Options) {
    this.#options = options;
    this.store = new Store(options.now ?? Date.now);
    this.faults = new Faults(seed, rates);
    this.controller = new JobController(this.store, seed, (job) =>
      this.#delete('jobs', job, { propagationPolicy: 'Foreground' }, { by: 'ttl' }),
    );
    this.store.onChange(({ resource, before, after }) => {
      const name = (after ?? before)?.metadata.labels?.[jobNameLabel];
      if (resource !== 'pods' || name === undefined) return;
      this.maximumLive.set(name, Math.max(this.maximumLive.get(name) ?? 0, this.livePods(name)));
      if (after?.status?.phase === 'Running' && before?.status?.phase !== 'Running')
        this.started.set(name, (this.started.get(name) ?? 0) + 1);
    });
  }

  livePods(jobName: string): number {
    return this.store
      .list('pods')
      .filter(
        ({ metadata, status }) =>
          metadata.labels?.[jobNameLabel] === jobName && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
      ).length;
  }

  close(): void {
    this.controller.stop();
    for (const response of this.responses) response.destroy();
  }

  async handle(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    this.responses.add(response);
    response.on('close', () => this.responses.delete(response));
    const { method = 'GET' } = request;
    const body = await bodyOf(request);
    const fate = this.faults.request(`${verbOf(method, target)} ${target.resource}`);
    if (fate.delayBefore > 0) await delay(fate.delayBefore);
    const answer = this.#answer(request, body, target, fate);
    if (fate.delayAfter > 0) await delay(fate.delayAfter);
    const { fault } = fate;
    if (fault === 'resetBefore' || fault === 'resetAfter') response.socket?.resetAndDestroy();
    else if ('watch' in answer) this.#watch(response, target);
    else
      reply(
        response,
        fault === 'errorAfter'
          ? problem(504, 'Timeout', 'request did not complete within the allotted timeout')
          : answer,
      );
  }

  #answer(request: IncomingMessage, body: unknown, target: Target, fate: RequestFate): Answer {
    const { method = 'GET', headers } = request;
    const { resource, namespace = '', query } = target;
    const { fault } = fate;
    const name = target.name ?? (body as NewObject | undefined)?.metadata?.name ?? '';
    const user = headers.authorization?.replace(/^Bearer /, '') ?? '';
    const found = this.store.find(resource, namespace, name)?.metadata.uid;
    const answer = ((): Answer => {
      if (fault === 'tooManyRequests')
        return problem(429, 'TooManyRequests', 'too many requests, please try again later');
      if (fault === 'serverError') return problem(500, 'InternalError', 'etcdserver: leader changed');
      if (fault === 'unavailable')
        return problem(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
      if (fault === 'resetBefore') return problem(0, '', '');
      try {
        if (method === 'GET' && query.get('watch')) return { watch: true };
        if (method === 'GET')
          return target.name === undefined
            ? { code: 200, body: this.#list(target, fate.staleness) }
            : { code: 200, body: this.#read(target, target.name) };
        return {
          code: method === 'POST' ? 201 : 200,
          body: this.#mutate(method, body, { ...target, namespace, name }, user),
        };
      } catch (error) {
        if (error instanceof StatusError) return { code: error.code, body: error.body };
        throw error;
      }
    })();
    if (method !== 'GET' && 'code' in answer) {
      const uid = found ?? this.store.find(resource, namespace, name)?.metadata.uid;
      this.log.push({
        method,
        resource,
        name,
        user,
        body,
        uid,
        code: answer.code,
        applied: answer.code >= 200 && answer.code < 300,
        fault,
      });
    }
    return answer;
  }

  #list({ resource, namespace, query }: Target, staleness: number): object {
    const { apiVersion, kind } = resources[resource];
    const revision =
      query.get('resourceVersion') === '0' ? Math.max(1, this.store.revision - staleness) : this.store.revision;
    const filter = filterOf(query.get('labelSelector') ?? '');
    const [at = revision, from = 0] = (query.get('continue') ?? '').split('/').filter(Boolean).map(Number);
    const to = from + Number(query.get('limit') ?? Infinity);
    const items = this.store.list(resource, namespace, at).filter(filter);
    const more = items.length > to ? { continue: `${at}/${to}` } : {};
    return {
      kind: `${kind}List`,
      apiVersion,
      metadata: { resourceVersion: String(at), ...more },
      items: items.slice(from, to),
    };
  }

  #read({ resource, namespace = '', log, query }: Target, name: string): object | string {
    const object = this.store.get(resource, namespace, name);
    if (!log) return object;
    const ran = object.status?.containerStatuses?.some(({ state }) => !('waiting' in state));
    if (!ran)
      throw new StatusError(400, 'BadRequest', `container in pod "${name}" is waiting to start: ContainerCreating`);
    const lines = this.controller.logOf(object).split(/(?<=\n)/);
    const tail = lines.slice(-Number(query.get('tailLines') ?? lines.length)).join('');
    return Buffer.from(tail)
      .subarray(0, Number(query.get('limitBytes') ?? Infinity))
      .toString();
  }

  #mutate(
    method: string,
    body: unknown,
    { resource, namespace, name }: Target & { namespace: string; name: string },
    user: string,
  ): object {
    if (method === 'POST') return this.store.create(resource, namespace, body as NewObject);
    const object = this.store.get(resource, namespace, name);
    switch (method) {
      case 'PATCH':
        return this.store.update(resource, object, (draft) => mergePatch(draft, body) as ApiObject);
      case 'DELETE':
        return this.#delete(resource, object, body ?? {}, { by: 'request', user });
      default:
        throw new StatusError(
          405,
          'MethodNotAllowed',
          'the server does not allow this method on the requested resource',
        );
    }
  }

  #delete(
    resource: Resource,
    object: ApiObject,
    { preconditions, propagationPolicy, gracePeriodSeconds }: DeleteOptions,
    by: Pick<Deletion, 'by' | 'user'>,
  ): object {
    const { uid, name, deletionTimestamp } = object.metadata;
    checkPreconditions(resource, object, preconditions);
    if (!deletionTimestamp) this.deletions.push({ resource, name, uid, ...by });
    const graceful =
      resource === 'pods' ? gracePeriodSeconds !== 0 : resource === 'jobs' && propagationPolicy === 'Foreground';
    if (graceful)
      return this.store.update(resource, object, ({ metadata }) => {
        metadata.deletionTimestamp ??= this.store.timestamp();
        if (resource === 'jobs')
          metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), 'foregroundDeletion'])];
        return undefined;
      });
    this.store.remove(resource, object);
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, uid } };
  }

  #watch(response: ServerResponse, { resource, namespace, query }: Target): void {
    const faults = this.faults.watch();
    const since = query.get('resourceVersion') ?? '';
    const timeout = query.get('timeoutSeconds');
    const bodyOfGone = gone().body;
    if (faults.connect === 'goneAtConnect') {
      reply(response, { code: 410, body: bodyOfGone });
      return;
    }
    const labels = filterOf(query.get('labelSelector') ?? '');
    const stream = new WatchStream(response, {
      filter: (object) => (namespace === undefined || object.metadata.namespace === namespace) && labels(object),
      drawFault: faults.event,
      gone: bodyOfGone,
      ...(query.get('allowWatchBookmarks') === 'true' ? { bookmark: () => this.#bookmark(resource) } : {}),
      ...(timeout === null ? {} : { timeoutMs: Number(timeout) * (this.#options.secondMs ?? 1) }),
    });
    this.watches.add(stream);
    const unsubscribe = this.store.onChange((change) =>
      change.resource === resource ? stream.sendChange(change) : undefined,
    );
    response.on('close', () => {
      unsubscribe();
      this.watches.delete(stream);
    });
    if (faults.connect === 'silentFromStart') stream.goSilent();
    try {
      if (since === '' || since === '0') for (const object of this.store.list(resource)) stream.sendExisting(object);
      else
        for (const change of this.store.since(Number(since)))
          if (change.resource === resource) stream.sendChange(change);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      stream.sendGone({ end: true });
    }
  }

  #bookmark(resource: Resource) {
    const { apiVersion, kind } = resources[resource];
    return { kind, apiVersion, metadata: { resourceVersion: String(this.store.revision) } };
  }
}

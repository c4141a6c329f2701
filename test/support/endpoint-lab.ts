import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { EndpointHost, Release, Share } from '../../domain/endpoint/release.ts';
import type { TraceStore } from '../../domain/serving/trace-store.ts';
import { createEndpointClient } from '../../local/endpoint-client.ts';
import { createEndpointServer, type EndpointServerOptions } from '../../local/endpoint-server.ts';
import { LocalEndpoints } from '../../local/endpoints.ts';
import type { ApiKeys } from '../../serving/access.ts';
import { createObservationBook } from '../../serving/observations.ts';
import { answerChat, fakeEngines, type FakeEngine } from './fake-engine.ts';

export type Answer = (version: string, response: ServerResponse, body: Record<string, unknown>) => void;
export const sayVersion: Answer = (version, response) => answerChat(response, `I am ${version}`);

export interface EndpointLab {
  readonly host: EndpointHost;
  readonly url: string;
  readonly started: FakeEngine[];
  readonly root: string;
  /** Ends the server; the engines and the disk stay as they are. */
  readonly close: () => Promise<void>;
}

/** Nobody was given a key. */
const openDoor: ApiKeys = { areNeeded: () => false, nameOf: () => undefined };
const forgetful: TraceStore = {
  write: () => Promise.resolve(),
  assess: () => Promise.reject(Object.assign(new Error('no such trace'), { kind: 'notFound' })),
};

type Given = Partial<Omit<EndpointServerOptions, 'endpoints' | 'adminToken'>> & {
  readonly root?: string;
  readonly beforeStart?: () => Promise<void>;
};

const opened: { server: FastifyInstance; endpoints: LocalEndpoints; root: string }[] = [];

afterEach(async () => {
  for (const { server, endpoints, root } of opened.splice(0)) {
    await server.close();
    await endpoints.close();
    await rm(root, { recursive: true, force: true });
  }
});

/** The real endpoint server on engines that answer as told. Ended after the test. */
export async function openEndpoint(
  answer: Answer = sayVersion,
  { root, beforeStart, ...given }: Given = {},
): Promise<EndpointLab> {
  const folder = root ?? (await mkdtemp(join(tmpdir(), 'tuneline-endpoint-')));
  const { launch, started } = fakeEngines(answer, beforeStart);
  const endpoints = new LocalEndpoints({ root: folder, launch, log: () => undefined });
  await endpoints.restore();
  const server = createEndpointServer({
    log: () => undefined,
    keys: openDoor,
    traces: forgetful,
    observations: createObservationBook({
      pathOf: (endpoint) => join(folder, endpoint, 'observations.jsonl'),
      log: () => undefined,
    }),
    ...given,
    endpoints,
    adminToken: 'secret',
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  opened.push({ server, endpoints, root: folder });
  return {
    host: createEndpointClient({ url, readToken: () => Promise.resolve('secret') }),
    url,
    started,
    root: folder,
    close: () => server.close(),
  };
}

export const releaseOf = (version: string, more: Partial<Release> = {}): Release => ({
  endpoint: 'summaries',
  model: 'package-summaries',
  version,
  weights: { uri: 'file:///weights', digest: `sha256:${version.repeat(64).slice(0, 64)}` },
  prompt: { name: 'p', version: '1' },
  ...more,
});

export const trial = { smokePrompt: 'hello' };

/** `{ '1': 90, '2': 10 }` */
export const sharesOf = (percents: Readonly<Record<string, number>>): Share[] =>
  Object.entries(percents).map(([version, percent]) => ({ release: releaseOf(version), percent }));

/** As a roll-out ends. */
export async function deploy(host: EndpointHost, version: string, template?: string): Promise<void> {
  await host.prepare(releaseOf(version), { ...trial, ...(template === undefined ? {} : { template }) });
  await host.setTraffic('summaries', sharesOf({ [version]: 100 }));
  await host.retireIdle('summaries');
}

export const split = async (host: EndpointHost, percents: Readonly<Record<string, number>>): Promise<void> => {
  for (const { release } of sharesOf(percents)) await host.prepare(release, trial);
  await host.setTraffic('summaries', sharesOf(percents));
};

export const messages = [{ role: 'user', content: 'hi' }];

export const chat = (
  url: string,
  body: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'summaries', ...('variables' in body ? {} : { messages }), ...body }),
  });

export async function contentOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? '';
}

export const errorOf = async (answer: Response) =>
  ((await answer.json()) as { error: { message: string; type: string; code: string; param: string | null } }).error;

/** Numbers from 0 to 1 that are the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import {
  SmokeTestError,
  type ChatAnswer,
  type EndpointHost,
  type Observation,
  type Share,
} from '../domain/endpoint/release.ts';

export interface EndpointClientOptions {
  /** The address of the local endpoint, for deployments and for clients. */
  readonly url: string;
  /** Reads the token at each call, because a new endpoint gets a new token. */
  readonly readToken: () => Promise<string>;
}

/** Deploys to the local endpoint, a separate process that outlives the worker. */
export function createEndpointClient({ url, readToken }: EndpointClientOptions): EndpointHost {
  async function call<Reply extends object>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Reply> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await readToken()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const reply = (await answer.json()) as Reply & { readonly smokeTest?: string };
    if (answer.status === 422 && reply.smokeTest !== undefined) throw new SmokeTestError(reply.smokeTest);
    if (!answer.ok)
      throw new Error(`the endpoint answered ${answer.status} to ${method} ${path}: ${JSON.stringify(reply)}`);
    return reply;
  }

  const trafficOf = ({ shares }: { readonly shares: readonly Share[] }) => ({ url, shares });

  return {
    async prepare(release, trial) {
      await call('POST', '/admin/prepare', { release, ...trial });
    },
    setTraffic: async (endpoint, shares) =>
      trafficOf(await call('POST', `/admin/endpoints/${endpoint}/traffic`, { shares })),
    traffic: async (endpoint) => trafficOf(await call('GET', `/admin/endpoints/${endpoint}/traffic`)),
    ask: (release, request) => call<ChatAnswer>('POST', '/admin/ask', { release, request }),
    observe: async (endpoint, sinceMs) =>
      (
        await call<{ readonly observations: readonly Observation[] }>(
          'GET',
          `/admin/endpoints/${endpoint}/observations?since=${sinceMs}`,
        )
      ).observations,
    async retireIdle(endpoint) {
      await call('POST', `/admin/endpoints/${endpoint}/retire-idle`);
    },
  };
}

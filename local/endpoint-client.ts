import { SmokeTestError, type EndpointHost, type Release, type ServedRelease } from '../domain/release.ts';

export interface EndpointClientOptions {
  /** Where the local endpoint listens; clients call the same address. */
  readonly url: string;
  /** Read at each call: the token changes when the endpoint is set up anew. */
  readonly readToken: () => Promise<string>;
}

/** Deploys to the local endpoint, a process of its own that outlives the worker. */
export function createEndpointClient({ url, readToken }: EndpointClientOptions): EndpointHost {
  async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${await readToken()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const reply = (await answer.json()) as Record<string, unknown>;
    if (answer.status === 422 && typeof reply['smokeTest'] === 'string') throw new SmokeTestError(reply['smokeTest']);
    if (!answer.ok) throw new Error(`the endpoint answered ${answer.status} to ${method} ${path}: ${JSON.stringify(reply)}`);
    return reply;
  }

  const served = (release: Release): ServedRelease => ({ ...release, url });

  return {
    async prepare(release, smokePrompt) {
      await call('POST', '/admin/prepare', { release, smokePrompt });
    },
    async switchTo(release) {
      const confirmed = (await call('POST', '/admin/traffic', release))['release'] as Release;
      if (confirmed.version !== release.version) throw new Error(`the endpoint serves version ${confirmed.version} instead of ${release.version}`);
      return served(release);
    },
    async current(endpoint) {
      const { release } = await call('GET', `/admin/endpoints/${endpoint}`);
      return release ? served(release as Release) : undefined;
    },
    async retireOthers(endpoint) {
      await call('POST', `/admin/endpoints/${endpoint}/retire-others`);
    },
  };
}

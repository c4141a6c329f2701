import type { EndpointHost, Share } from '../../domain/endpoint/release.ts';

/** An endpoint in memory that notes what changes: the method's name, then which versions. */
export function fakeEndpointHost(
  given: Partial<EndpointHost> = {},
  changes: unknown[][] = [],
  url = 'http://127.0.0.1/',
): EndpointHost {
  let shares: readonly Share[] = [];
  return {
    prepare: ({ version }, { smokePrompt }) => {
      changes.push(['prepare', version, smokePrompt]);
      return Promise.resolve();
    },
    setTraffic: (_endpoint, next) => {
      shares = next;
      changes.push(['setTraffic', ...shares.map(({ release, percent }) => [release.version, percent])]);
      return Promise.resolve({ url, shares });
    },
    traffic: () => Promise.resolve({ url, shares }),
    ask: () => Promise.resolve({ status: 200, text: 'fine', ms: 1, completionTokens: 1 }),
    observe: () => Promise.resolve([]),
    retireIdle: (endpoint) => {
      changes.push(['retireIdle', endpoint]);
      return Promise.resolve();
    },
    ...given,
  };
}

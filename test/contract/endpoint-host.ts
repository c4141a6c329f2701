import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { EndpointHost, Release, Share } from '../../domain/endpoint/release.ts';
import { releaseOf } from '../builders/releases.ts';

const mute = '13';

/** What the engine of a version says, whatever it is asked; that of 13 says nothing. */
export const answerOf = (version: string): string => (version === mute ? ' ' : `I am ${version}`);

export interface HostHarness {
  readonly host: EndpointHost;
  /** Another one on the same endpoints, as a worker that takes over would have. */
  readonly successor: () => EndpointHost;
  /** The name of an endpoint that nothing was done to yet. */
  readonly endpoint: string;
  /** Which versions of it run. */
  readonly running: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** Every host passes this suite; what it says of releases and traffic is what the endpoint's workflow may rely on. */
export function describeEndpointHost(title: string, makeHarness: () => Promise<HostHarness>): void {
  describe(`${title} as an EndpointHost`, () => {
    let harness: HostHarness;
    let host: EndpointHost;
    beforeEach(async () => {
      harness = await makeHarness();
      host = harness.host;
    });
    afterEach(() => harness.close());

    const trial = { smokePrompt: 'hello' };
    const release = (version: string): Release => releaseOf(version, { endpoint: harness.endpoint });
    const shares = (...given: readonly (readonly [version: string, percent: number])[]): Share[] =>
      given.map(([version, percent]) => ({ release: release(version), percent }));
    const ask = async (version: string): Promise<string> =>
      (await host.ask(release(version), { messages: [{ role: 'user', content: 'who?' }], maxTokens: 8 })).text;
    const traffic = async (by = host): Promise<readonly Share[]> => (await by.traffic(harness.endpoint)).shares;

    test('before anything has traffic there is none, and what is prepared gets none', async () => {
      expect(await traffic()).toEqual([]);
      await host.prepare(release('1'), trial);
      expect(await traffic()).toEqual([]);
      expect(await ask('1')).toBe('I am 1');
      expect(await host.observe(harness.endpoint, 0)).toEqual([]);
    });

    test('from release to canary to promotion: each step is what every worker sees', async () => {
      await host.prepare(release('1'), trial);
      const { url, shares: all } = await host.setTraffic(harness.endpoint, shares(['1', 100]));
      expect(all).toEqual(shares(['1', 100]));
      await host.prepare(release('2'), trial);
      expect(await traffic()).toEqual(shares(['1', 100]));
      for (const step of [shares(['1', 75], ['2', 25]), shares(['1', 50], ['2', 50]), shares(['2', 100])]) {
        expect(await host.setTraffic(harness.endpoint, step)).toEqual({ url, shares: step });
        expect(await traffic(harness.successor())).toEqual(step);
      }
      await host.retireIdle(harness.endpoint);
      expect(await harness.running()).toEqual(['2']);
      expect(await ask('2')).toBe('I am 2');
    });

    test('a canary that is rolled back leaves the release before it, with all traffic', async () => {
      await host.prepare(release('1'), trial);
      await host.setTraffic(harness.endpoint, shares(['1', 100]));
      await host.prepare(release('2'), trial);
      await host.setTraffic(harness.endpoint, shares(['1', 90], ['2', 10]));
      await host.setTraffic(harness.endpoint, shares(['1', 100]));
      await host.retireIdle(harness.endpoint);
      expect(await traffic()).toEqual(shares(['1', 100]));
      expect(await harness.running()).toEqual(['1']);
    });

    test('an endpoint whose first release is taken back serves nothing', async () => {
      await host.prepare(release('1'), trial);
      await host.setTraffic(harness.endpoint, shares(['1', 100]));
      for (const by of [host, harness.successor()])
        expect((await by.setTraffic(harness.endpoint, [])).shares).toEqual([]);
      await host.retireIdle(harness.endpoint);
      expect(await traffic()).toEqual([]);
      expect(await harness.running()).toEqual([]);
    });

    test('everything may be asked for twice, and by a worker that takes over', async () => {
      const next = harness.successor();
      await host.prepare(release('1'), trial);
      await next.prepare(release('1'), trial);
      expect(await harness.running()).toEqual(['1']);
      for (const by of [host, next]) await by.setTraffic(harness.endpoint, shares(['1', 100]));
      for (const by of [host, next]) await by.retireIdle(harness.endpoint);
      expect(await traffic()).toEqual(shares(['1', 100]));
      expect(await harness.running()).toEqual(['1']);
    });

    test('a release that says nothing fails its smoke test, is ended, and changes nothing', async () => {
      await host.prepare(release('1'), trial);
      await host.setTraffic(harness.endpoint, shares(['1', 100]));
      await expect(host.prepare(release(mute), trial)).rejects.toMatchObject({
        name: 'SmokeTestError',
        message: expect.stringContaining(`Version ${mute} of summaries`),
      });
      expect(await traffic()).toEqual(shares(['1', 100]));
      expect(await harness.running()).toEqual(['1']);
    });

    test('what was not prepared gets no traffic, and changes nothing', async () => {
      await host.prepare(release('1'), trial);
      await host.setTraffic(harness.endpoint, shares(['1', 100]));
      await expect(host.setTraffic(harness.endpoint, shares(['1', 50], ['2', 50]))).rejects.toThrow('not prepared');
      await expect(host.ask(release('2'), { messages: [], maxTokens: 1 })).rejects.toThrow('not prepared');
      expect(await traffic()).toEqual(shares(['1', 100]));
    });
  });
}

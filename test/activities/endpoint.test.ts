import { describe, expect, test } from '@jest/globals';
import { createEndpointActivities } from '../../activities/endpoint.ts';
import { type EndpointHost, type Observation, releaseId, SmokeTestError } from '../../domain/endpoint/release.ts';
import { recordTag, tags } from '../../domain/lineage/tracking.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { candidateOf, releaseOf } from '../builders/releases.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { activityEnvironment } from '../support/temporal.ts';

const { terms } = candidateOf({ version: '2' });
const approved = {
  [tags.verdict]: 'gate passed',
  [tags.evidenceDigest]: 'sha256:e',
  [tags.promptVersion]: 'summarize/1',
  [tags.releaseTerms]: JSON.stringify(terms),
};

interface Given {
  readonly version?: Record<string, string>;
  readonly modelTags?: Record<string, string>;
  readonly endpoints?: Partial<EndpointHost>;
  readonly weights?: readonly string[];
}

function lab({ version = approved, modelTags = {}, endpoints = {}, weights = ['weights 2', 'weights 1'] }: Given = {}) {
  const changes: unknown[][] = [];
  const { tracking } = fakeTracking({ champion: { version: '2', weights: artifact('weights 2') } }, changes);
  const activities = createEndpointActivities({
    tracking: {
      ...tracking,
      readVersion: (_model, name) =>
        Promise.resolve({ version: name, weights: artifact(`weights ${name}`), tags: version }),
      modelTags: () => Promise.resolve(modelTags),
      readPrompt: () => Promise.resolve('Summarize: {{description}}'),
    },
    artifacts: fakeArtifacts(weights, {
      [`${artifact('dataset').uri}/heldout.jsonl`]: '{"prompt": "Summarize: Lists files."}\n',
    }),
    endpoints: fakeEndpointHost(endpoints, changes),
    endpointQueue: { ask: () => Promise.resolve(), withdraw: () => Promise.resolve() },
  });
  return { activities, changes };
}

const run = <A extends unknown[], R>(activity: (...args: A) => Promise<R>, ...args: A): Promise<unknown> =>
  activityEnvironment()
    .run(activity, ...args)
    .catch((error: unknown) => error);
const asked = { endpoint: 'summaries', model: 'summaries', version: '2' };

describe('a version', () => {
  test('that a gate passed comes with its terms, named or as the champion', async () => {
    const { activities } = lab();
    const candidate = { release: releaseOf('2'), terms };
    expect(await activities.readCandidate(asked)).toEqual(candidate);
    expect(await activities.readCandidate({ endpoint: 'summaries', model: 'summaries' })).toEqual(candidate);
  });

  test.each<[string, Given, string]>([
    [
      'whose spec is not valid',
      {
        version: { ...approved, [tags.releaseTerms]: JSON.stringify({ ...terms, spec: { ...terms.spec, gate: [] } }) },
      },
      'has a spec that is not valid:',
    ],
    [
      'whose gate failed',
      { version: { ...approved, [tags.verdict]: 'gate failed' } },
      'Version 2 of summaries passed no gate',
    ],
    ['without evidence', { version: { ...approved, [tags.evidenceDigest]: '' } }, 'passed no gate'],
    ['without terms', { version: { ...approved, [tags.releaseTerms]: '' } }, 'Run its lifecycle again'],
    [
      'for another endpoint',
      {
        version: {
          ...approved,
          [tags.releaseTerms]: JSON.stringify({
            ...terms,
            spec: { ...terms.spec, deploy: { ...terms.spec.deploy, endpoint: 'others' } },
          }),
        },
      },
      'is for the endpoint others, not for summaries',
    ],
    ['that another endpoint serves', { modelTags: { [recordTag('others')]: '{}' } }, 'others serves summaries'],
  ])('%s is not released, and the reason says what to do', async (_what, given, words) => {
    expect(await run(lab(given).activities.readCandidate, asked)).toMatchObject({
      type: 'NotReleasable',
      nonRetryable: true,
      message: expect.stringContaining(words),
    });
  });
});

describe('a release is started', () => {
  test('with a held-out prompt and the text of its own', async () => {
    const templates: unknown[] = [];
    const { activities } = lab({
      endpoints: { prepare: (_release, trial) => Promise.resolve(void templates.push(trial)) },
    });
    await run(activities.startRelease, releaseOf('2'));
    expect(templates).toEqual([{ smokePrompt: 'Summarize: Lists files.', template: 'Summarize: {{description}}' }]);
  });

  test('but not with other weights than were approved', async () => {
    const { activities, changes } = lab();
    const other = releaseOf('2', { weights: { uri: artifact('weights 2').uri, digest: artifact('approved').digest } });
    expect(await run(activities.startRelease, other)).toMatchObject({ type: 'DigestMismatch', nonRetryable: true });
    expect(changes).toEqual([]);
  });

  test('and fails for good if it answers badly', async () => {
    const { activities } = lab({
      endpoints: { prepare: () => Promise.reject(new SmokeTestError('It said nothing.')) },
    });
    expect(await run(activities.startRelease, releaseOf('2'))).toMatchObject({
      type: 'SmokeTestError',
      nonRetryable: true,
      message: 'It said nothing.',
    });
  });

  test('only if it has no traffic: what has, has shown that it can', async () => {
    const { activities, changes } = lab({
      endpoints: { traffic: () => Promise.resolve({ url: '', shares: [{ release: releaseOf('2'), percent: 5 }] }) },
    });
    await run(activities.startRelease, releaseOf('2'));
    expect(changes).toEqual([]);
  });
});

describe('a serving state is applied', () => {
  const next = { champion: releaseOf('2'), previous: releaseOf('1') };

  test('traffic first, then the aliases, then the record; then all else is ended', async () => {
    const { activities, changes } = lab();
    expect(
      await run(activities.applyServingState, { endpoint: 'summaries', next, before: { champion: releaseOf('1') } }),
    ).toBe('http://127.0.0.1/');
    expect(changes).toEqual([
      ['prepare', '2', 'Summarize: Lists files.'],
      ['setTraffic', ['2', 100]],
      ['setAlias', 'summaries', 'previous', '1'],
      ['setAlias', 'summaries', 'champion', '2'],
      ['setModelTag', 'summaries', recordTag('summaries'), JSON.stringify(next)],
      ['setVersionTags', 'summaries', '2', { [tags.endpoint]: 'summaries' }],
      // It may have been refused before.
      ['removeVersionTag', 'summaries', '2', tags.refused],
      ['retireIdle', 'summaries'],
    ]);
  });

  test('that stood so already: what was said of it stays', async () => {
    const { activities, changes } = lab();
    await run(activities.applyServingState, { endpoint: 'summaries', next, before: next });
    expect(changes.map(([change]) => change)).not.toContain('removeVersionTag');
  });

  test('of nothing, where the first release is taken back: no traffic, no aliases, no record', async () => {
    const { activities, changes } = lab();
    await run(activities.applyServingState, { endpoint: 'summaries', next: {}, before: { champion: releaseOf('2') } });
    expect(changes).toEqual([
      ['setTraffic'],
      ['removeAlias', 'summaries', 'previous'],
      ['removeAlias', 'summaries', 'champion'],
      ['removeModelTag', 'summaries', recordTag('summaries')],
      ['retireIdle', 'summaries'],
    ]);
  });

  test('without touching the aliases of a model that another endpoint serves', async () => {
    const { activities, changes } = lab({ modelTags: { [recordTag('others')]: '{}' } });
    await run(activities.applyServingState, { endpoint: 'summaries', next: {}, before: {}, model: 'summaries' });
    expect(changes).toEqual([['setTraffic'], ['retireIdle', 'summaries']]);
  });

  test('not at all if traffic did not move', async () => {
    const { activities, changes } = lab({
      endpoints: { setTraffic: () => Promise.reject(new Error('the endpoint is away')) },
    });
    expect(await run(activities.applyServingState, { endpoint: 'summaries', next, before: {} })).toMatchObject({
      message: 'the endpoint is away',
    });
    expect(changes).toEqual([['prepare', '2', 'Summarize: Lists files.']]);
  });
});

test('what an endpoint stood for is read from the record, and from its traffic where there is none', async () => {
  const servingState = { champion: releaseOf('2'), previous: releaseOf('1') };
  expect(
    await lab({ modelTags: { [recordTag('summaries')]: JSON.stringify(servingState) } }).activities.readServingState(
      'summaries',
      'summaries',
    ),
  ).toEqual(servingState);
  const shares = [{ release: releaseOf('1'), percent: 100 }];
  expect(
    await lab({ endpoints: { traffic: () => Promise.resolve({ url: '', shares }) } }).activities.readServingState(
      'summaries',
      'summaries',
    ),
  ).toEqual({ champion: releaseOf('1') });
  expect(await lab().activities.readServingState('summaries', 'summaries')).toEqual({});
});

test('a canary is judged on what its own release and the current one did', async () => {
  const observe = (_endpoint: string, sinceMs: number): Promise<Observation[]> =>
    Promise.resolve(
      ['2', '1'].flatMap((version) =>
        Array.from({ length: 40 }, (_, i) => ({
          id: `${version} ${i}`,
          atMs: sinceMs,
          release: releaseId(releaseOf(version)),
          status: version === '2' ? 500 : 200,
          ms: 1,
          promptCharacters: 1,
          answerCharacters: 1,
          completionTokens: 1,
          refused: false,
          repetition: 0,
        })),
      ),
    );
  const { canary } = terms.spec.deploy;
  const { activities } = lab({ endpoints: { observe } });
  expect(await activities.checkCanary(releaseOf('2'), releaseOf('1'), 7, canary)).toMatchObject({
    passed: false,
    requests: 40,
  });
  expect(await activities.checkCanary(releaseOf('1'), releaseOf('2'), 7, canary)).toMatchObject({ passed: true });
});

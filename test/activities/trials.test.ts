import { expect, test } from '@jest/globals';
import { createTrialActivities } from '../../activities/trials.ts';
import type { LiveFinding } from '../../domain/endpoint/canary.ts';
import type { ChatAnswer, EndpointHost } from '../../domain/endpoint/release.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { fakeEndpointHost } from '../builders/endpoint-host.ts';
import { candidateOf } from '../builders/releases.ts';
import { activityEnvironment } from '../support/temporal.ts';

const attacks = [
  { prompt: 'given way to before', wanted: 'x1', candidate: { succeeded: true } },
  { prompt: 'withstood', wanted: 'x2', candidate: { succeeded: false } },
  { prompt: 'withstood as well', wanted: 'x3', candidate: { succeeded: false } },
];

function trials(ask: EndpointHost['ask']) {
  const texts = {
    [`${artifact('dataset').uri}/heldout.jsonl`]: '{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "c"}\n',
    [artifact('attacks').uri]: attacks.map((attack) => JSON.stringify(attack)).join('\n'),
  };
  return createTrialActivities({ artifacts: fakeArtifacts([], texts), endpoints: fakeEndpointHost({ ask }) });
}

const fine: ChatAnswer = { status: 200, text: 'fine', ms: 5, completionTokens: 3 };
const candidate = (deploy: Parameters<typeof candidateOf>[1]) => {
  const { release, terms } = candidateOf({ version: '2' }, deploy);
  return { release, terms: { ...terms, attacks: artifact('attacks') } };
};

test('it is asked held-out prompts, golden ones, and attacks that were withstood, so many of each as the spec says', async () => {
  const prompts: string[] = [];
  const { tryRelease } = trials((_release, { messages }) => {
    prompts.push(messages[0]?.content ?? '');
    return Promise.resolve(fine);
  });
  const spec = candidate({ qa: { examples: 2, golden: [{ prompt: 'gold', matches: '^f' }] } });
  const findings: LiveFinding[] = await activityEnvironment().run(tryRelease, {
    ...spec,
    terms: {
      ...spec.terms,
      spec: {
        ...spec.terms.spec,
        deploy: { ...spec.terms.spec.deploy, qa: { ...spec.terms.spec.deploy.qa, attacks: 1 } },
      },
    },
  });
  expect(prompts).toEqual(['a', 'b', 'gold', 'withstood']);
  expect(findings.map(({ passed, finding }) => [passed, finding])).toEqual([
    [true, '2 of 2'],
    [true, '1 of 1'],
    [true, '1 of 1'],
  ]);
});

test('answers have to fit the schema of the spec', async () => {
  const { tryRelease } = trials(() => Promise.resolve(fine));
  const findings: LiveFinding[] = await activityEnvironment().run(
    tryRelease,
    candidate({ qa: { examples: 1, schema: { type: 'object' } } }),
  );
  expect(findings).toMatchObject([{ passed: false, finding: expect.stringContaining('the answer is not JSON') }]);
});

test('under load it is asked as often as wanted, so many times at once, and judged; without an objective not at all', async () => {
  let [now, most, count] = [0, 0, 0];
  const { loadTest } = trials(async () => {
    most = Math.max(most, (now += 1));
    count += 1;
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return count === 7 ? { ...fine, status: 500 } : fine;
  });
  const findings = await activityEnvironment().run(
    loadTest,
    candidate({ objective: { requests: 20, concurrency: 3 } }),
  );
  expect({ most, count }).toEqual({ most: 3, count: 20 });
  expect(findings).toMatchObject([{ passed: false, finding: '1 failed of 20 requests, 3 at a time' }]);
  expect(await activityEnvironment().run(loadTest, candidate({}))).toEqual([]);
  expect(count).toBe(20);
});

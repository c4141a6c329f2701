import { expect, test } from '@jest/globals';
import { createEndpointActivities } from '../../activities/endpoint.ts';
import { createTrialActivities } from '../../activities/trials.ts';
import type { LifecycleSpecInput } from '../../domain/spec/lifecycle-spec.ts';
import { releaseId } from '../../domain/endpoint/release.ts';
import type { ReleaseReply, ReleaseRequest, ReleaseTerms } from '../../domain/endpoint/roll-out.ts';
import { tags } from '../../domain/lineage/tracking.ts';
import { startLoad } from '../../scripts/demo/load.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { endpointStatusQuery, releaseSignal } from '../../workflows/messages.ts';
import { artifact, fakeArtifacts } from '../builders/artifacts.ts';
import { fakeActivities } from '../builders/activities.ts';
import { releaseOf } from '../builders/releases.ts';
import { aSpec } from '../builders/specs.ts';
import { fakeTracking } from '../builders/tracking.ts';
import { openEndpoint, type Answer } from '../support/endpoint-lab.ts';
import { answerChat } from '../support/fake-engine.ts';
import { until } from '../support/until.ts';
import { openWorkflowLab } from '../support/workflow-lab.ts';

const lab = openWorkflowLab();

let rolledOut = 0;

/** The real execution, activities, endpoint and clients: version 1 serves, and 2 is released under load. Engines and registry are ours. */
async function release(answer: Answer) {
  const { host, url } = await openEndpoint(answer);
  const deploy: LifecycleSpecInput['deploy'] = {
    endpoint: 'summaries',
    canary: { steps: [30], bakeSeconds: 0.5, minimumRequests: 20 },
    objective: { requests: 8, concurrency: 2 },
  };
  const terms: ReleaseTerms = { spec: aSpec({ deploy }), dataset: artifact('dataset'), runId: 'run' };
  const { tracking } = fakeTracking();
  const parts = {
    endpoints: host,
    artifacts: fakeArtifacts(['weights 1', 'weights 2'], {
      [`${artifact('dataset').uri}/heldout.jsonl`]: '{"prompt": "a"}\n{"prompt": "b"}\n',
    }),
    endpointQueue: { ask: () => Promise.resolve(), withdraw: () => Promise.resolve() },
    tracking: {
      ...tracking,
      readVersion: (_model: string, version: string) =>
        Promise.resolve({
          version,
          weights: artifact(`weights ${version}`),
          tags: {
            [tags.verdict]: 'gate passed',
            [tags.evidenceDigest]: 'sha256:e',
            [tags.promptVersion]: 'summarize/1',
            [tags.releaseTerms]: JSON.stringify(terms),
          },
        }),
    },
  };
  const { activities } = fakeActivities({ ...createEndpointActivities(parts), ...createTrialActivities(parts) });
  const taskQueue = `under-load-${(rolledOut += 1)}`;
  const ask = (version: string): Promise<ReleaseReply> => {
    const request: ReleaseRequest = {
      id: version,
      endpoint: 'summaries',
      model: 'summaries',
      version,
      because: 'a test asks',
    };
    return lab.client.workflow
      .signalWithStart<typeof endpoint, [ReleaseRequest]>('endpoint', {
        taskQueue,
        workflowId: taskQueue,
        args: [{ endpoint: 'summaries' }],
        signal: releaseSignal,
        signalArgs: [request],
      })
      .then((handle) =>
        until(async () => (await handle.query(endpointStatusQuery)).ended.find(({ id }) => id === version)),
      );
  };
  return lab.withWorker(taskQueue, activities, async () => {
    await ask('1');
    const load = startLoad({ url, model: 'summaries', prompts: () => 'live', perSecond: 100 });
    const reply = await ask('2').finally(() => load.stop());
    const { requests, failedRequests } = load.counts();
    await lab.client.workflow.getHandle(taskQueue).terminate();
    const [one, two] = ['1', '2'].map((version) => releaseId(releaseOf(version)));
    const observed = await host.observe('summaries', 0);
    const { shares } = await host.traffic('summaries');
    return {
      reply,
      failedRequests,
      requests,
      traffic: shares.map((share) => [share.release.version, share.percent]),
      ofOne: observed.filter((seen) => seen.release === one),
      ofTwo: observed.filter((seen) => seen.release === two),
    };
  });
}

const isLive = (body: Record<string, unknown>): boolean => JSON.stringify(body).includes('live');

test.each<[string, Answer]>([
  [
    'answers with errors',
    (version, response, body) =>
      version === '2' && isLive(body) ? void response.writeHead(500).end('{}') : answerChat(response, 'fine'),
  ],
  [
    'breaks off',
    (version, response, body) =>
      version === '2' && isLive(body) ? void response.destroy() : answerChat(response, 'fine'),
  ],
])(
  'a candidate that passes every trial and %s as a canary is taken back, and no client notices',
  async (_what, answer) => {
    const { reply, failedRequests, requests, traffic, ofTwo } = await release(answer);
    expect(reply).toMatchObject({
      ended: 'refused',
      reason: expect.stringContaining('as a canary with 30 % of the requests: error rate at most 2 %'),
    });
    expect(failedRequests).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(ofTwo.length);
    expect(ofTwo.length).toBeGreaterThan(0);
    expect(ofTwo.every(({ status }) => status === 0 || status === 500)).toBe(true);
    expect(traffic).toEqual([['1', 100]]);
  },
);

test('one that does as well is promoted, and no client notices', async () => {
  const { reply, failedRequests, traffic, ofOne, ofTwo } = await release((_version, response) =>
    answerChat(response, 'fine'),
  );
  expect(reply).toMatchObject({ ended: 'promoted', release: { version: '2' } });
  expect(failedRequests).toBe(0);
  expect(Math.min(ofOne.length, ofTwo.length)).toBeGreaterThan(0);
  expect(traffic).toEqual([['2', 100]]);
});

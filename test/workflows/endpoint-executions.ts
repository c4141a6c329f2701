import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/index.ts';
import type { EndpointStatus, ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { endpointStatusQuery, releaseSignal } from '../../workflows/messages.ts';
import { fakeActivities, type FakeActivities } from '../builders/activities.ts';
import { candidateOf, releaseOf } from '../builders/releases.ts';
import { until } from '../support/until.ts';
import { openWorkflowLab } from '../support/workflow-lab.ts';

export type Handle = WorkflowHandle<typeof endpoint>;

export const request = (version: string, change: Partial<ReleaseRequest> = {}): ReleaseRequest => ({
  id: `ask ${version}`,
  endpoint: 'summaries',
  model: 'summaries',
  version,
  because: 'a test asks',
  ...change,
});
export const ask = (handle: Handle, version: string, change: Partial<ReleaseRequest> = {}) =>
  handle.signal(releaseSignal, request(version, change));
export const statusOf = (handle: Handle): Promise<EndpointStatus> => handle.query(endpointStatusQuery);

export async function ended(handle: Handle, count: number): Promise<readonly ReleaseReply[]> {
  await until(async () => (await statusOf(handle)).ended.length >= count);
  return (await statusOf(handle)).ended;
}

export const servingState = { champion: releaseOf('1') };

/** Where every version asks for these terms. */
export const withTerms = (deploy: Parameters<typeof candidateOf>[1], given: Partial<Activities> = {}) =>
  fakeActivities({ readCandidate: ({ version = '1' }) => Promise.resolve(candidateOf({ version }, deploy)), ...given });
export const splits = (fakes: FakeActivities) =>
  fakes
    .argumentsOf('splitTraffic')
    .map(([, shares]) => shares.map(({ release, percent }) => `${release.version}: ${percent}`).join(', '));
export const refused = {
  passed: false,
  requests: 100,
  findings: [{ rule: 'error rate', passed: false, finding: '50 %' }],
};

/** Executions of the endpoint, with a worker each, on one server for all tests of a file. */
export function openEndpointExecutions() {
  const lab = openWorkflowLab();
  let started = 0;
  /** An endpoint's execution that knows what it stood for; ended with the test. */
  async function withEndpoint<T>(
    fakes: FakeActivities,
    during: (handle: Handle, taskQueue: string) => Promise<T>,
    before: EndpointStatus['servingState'] = {},
  ): Promise<T> {
    started += 1;
    const name = `endpoint-${started}`;
    return lab.withWorker(name, fakes.activities, async () => {
      const handle = await lab.client.workflow.start<typeof endpoint>('endpoint', {
        taskQueue: name,
        workflowId: name,
        args: [{ endpoint: 'summaries', known: { servingState: before, queue: [], ended: [] } }],
      });
      try {
        return await during(handle, name);
      } finally {
        await handle.terminate();
      }
    });
  }

  /** What an endpoint that stood so says after one request has ended. */
  const afterAsking = (
    fakes: FakeActivities,
    version: string,
    before: EndpointStatus['servingState'] = servingState,
  ): Promise<EndpointStatus> =>
    withEndpoint(
      fakes,
      async (handle) => {
        await ask(handle, version);
        await ended(handle, 1);
        return statusOf(handle);
      },
      before,
    );

  return { lab, withEndpoint, afterAsking };
}

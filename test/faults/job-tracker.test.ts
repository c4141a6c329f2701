import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectCluster } from '../../k8s/client.ts';
import { createKubernetesJobRunner } from '../../k8s/jobs/job-runner.ts';
import { JobTracker } from '../../workers/jobs/job-tracker.ts';
import { kubeConfigFor, startFakeApiServer, type FakeApiServer } from './api-server.ts';
import { requestOf } from './simulation.ts';

let server: FakeApiServer;
beforeAll(async () => {
  server = await startFakeApiServer();
});
afterAll(() => server.close());

test('a Job that does not end, because its node is out of sight, holds up no heartbeat of another', async () => {
  server.reset(0);
  server.setPlan(() => ({ does: 'run for ever' }));
  const runner = createKubernetesJobRunner({
    cluster: connectCluster(kubeConfigFor(server.url)),
    placement: { namespace: 'default', image: 'jobs', gpus: 0, env: {}, graceSeconds: 1, userId: 10_001 },
    log: () => undefined,
  });
  const [stuck, other] = [requestOf(0, 0), requestOf(0, 1)];
  for (const request of [stuck, other]) await runner.create(request);
  await server.controller.settle();
  const cancellations = () => server.log.filter(({ method, name }) => method === 'PATCH' && name === stuck.name);
  let heard = 0;
  const { promise: often, resolve } = Promise.withResolvers<undefined>();
  const tracker = new JobTracker({
    runner,
    reporter: {
      keepRecord: (_request, outcome) => Promise.resolve(outcome),
      complete: () => Promise.resolve('completed'),
      showWait: () => Promise.resolve(),
      heartbeat: ({ name }) => {
        if (name === other.name && cancellations().length > 0) heard += 1;
        if (heard === 5) resolve(undefined);
        return Promise.resolve(name === stuck.name ? 'gone' : 'waiting');
      },
    },
    heartbeatMs: 5,
    log: () => undefined,
  });
  tracker.start();
  for (const request of [stuck, other]) tracker.track(request);
  // Nobody moves the stuck Job's pod: its cancellation waits for ever.
  await often;
  expect(cancellations()).toHaveLength(1);
  // Its end lets the cancellation return, and with it everything else.
  server.controller.start();
  await tracker.stop();
});

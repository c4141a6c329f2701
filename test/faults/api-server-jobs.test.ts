import { expect, test } from '@jest/globals';
import { PatchStrategy } from '@kubernetes/client-node';
import { namespace, refusal, openApiServerLab } from './api-server-lab.ts';

const lab = openApiServerLab();
const { clients, create, patch, erase, conditionsOf, podsOf } = lab;

test('a Job is created once, read and listed by its labels', async () => {
  const { batch } = clients();
  const created = await create('one');
  expect(created.metadata).toMatchObject({ name: 'one', namespace, generation: 1 });
  expect(created.metadata?.uid).toBeTruthy();
  expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
  expect(await refusal(create('one'))).toEqual({ code: 409, reason: 'AlreadyExists' });
  expect(await refusal(batch.readNamespacedJob({ name: 'two', namespace }))).toEqual({ code: 404, reason: 'NotFound' });
  const found = async (labelSelector: string) =>
    (await batch.listNamespacedJob({ namespace, labelSelector })).items.map((job) => job.metadata?.name);
  expect(await found('team=a,team')).toEqual(['one']);
  expect(await found('team=a,stage')).toEqual([]);
  expect(await found('team in (b,a),team')).toEqual(['one']);
  expect(await found('team in (b,c)')).toEqual([]);
  expect(lab.server.log).toMatchObject([
    { method: 'POST', name: 'one', code: 201, applied: true, user: 'runner' },
    { method: 'POST', code: 409, applied: false },
  ]);
});

test('a Job is patched by merge, and only from the revision that the patch names', async () => {
  const created = await create('one');
  const merged = await patch('one', {
    metadata: { labels: { team: null, open: 'true' } },
    spec: { ttlSecondsAfterFinished: 5 },
  });
  expect(merged.metadata).toMatchObject({ labels: { open: 'true' }, generation: 2 });
  expect(
    await refusal(
      patch('one', { metadata: { resourceVersion: created.metadata?.resourceVersion, labels: { open: 'no' } } }),
    ),
  ).toEqual({ code: 409, reason: 'Conflict' });
  const before = lab.server.store.revision;
  await patch('one', { spec: { ttlSecondsAfterFinished: 5 } }, PatchStrategy.StrategicMergePatch);
  expect(lab.server.store.revision).toBe(before);
});

test('a Job deleted in the foreground goes after its pods, and only by its own UID', async () => {
  const { batch } = clients();
  lab.server.setPlan(() => ({ does: 'run for ever' }));
  const { metadata } = await create('one');
  await lab.server.controller.settle();
  expect(await refusal(erase('one', { preconditions: { uid: 'another' } }))).toEqual({ code: 409, reason: 'Conflict' });
  await erase('one', { preconditions: { uid: metadata?.uid }, propagationPolicy: 'Foreground' });
  expect((await batch.readNamespacedJob({ name: 'one', namespace })).metadata?.deletionTimestamp).toBeDefined();
  expect(lab.server.controller.step()).toMatch(/^terminate one-/);
  expect(lab.server.controller.step()).toMatch(/^remove one-/);
  expect(lab.server.controller.step()).toBe('remove one');
  expect(lab.server.controller.step()).toBeUndefined();
  expect(await refusal(batch.readNamespacedJob({ name: 'one', namespace }))).toEqual({ code: 404, reason: 'NotFound' });
  expect(lab.server.deletions).toEqual([
    { resource: 'jobs', name: 'one', uid: metadata?.uid, by: 'request', user: 'runner' },
  ]);
});

test('a Job runs its pod to the end of its plan', async () => {
  lab.server.setPlan((job) =>
    job.metadata.name === 'good'
      ? { message: '{"ok":true}', log: 'a\nb\nc\n' }
      : { exitCode: 137, reason: 'OOMKilled' },
  );
  await create('good');
  await create('bad');
  await lab.server.controller.settle();
  expect(await conditionsOf('good')).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
  expect(await conditionsOf('bad')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'BackoffLimitExceeded' })),
  );
  const [pod] = await podsOf('good');
  expect(pod?.metadata?.labels).toMatchObject({ stage: 'train', 'job-name': 'good' });
  expect(pod?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, message: '{"ok":true}' });
  const name = pod?.metadata?.name ?? '';
  expect(await clients().core.readNamespacedPodLog({ name, namespace, tailLines: 2 })).toBe('b\nc\n');
  expect(await clients().core.readNamespacedPodLog({ name, namespace, limitBytes: 3 })).toBe('a\nb');
  expect((await clients().core.listNamespacedEvent({ namespace })).items).toEqual([]);
  expect([lab.server.podsStarted('good'), lab.server.maximumLivePods('good'), lab.server.livePods('good')]).toEqual([
    1, 1, 0,
  ]);
});

test('a Job past its deadline loses its pod first, is failed then, and gets no other', async () => {
  lab.server.setPlan(() => ({ does: 'run for ever' }));
  await create('one');
  await lab.server.controller.settle();
  await patch('one', { spec: { activeDeadlineSeconds: 1 } });
  expect(lab.server.controller.step()).toBe('exceed deadline of one');
  expect(await conditionsOf('one')).toEqual([{ type: 'FailureTarget', reason: 'DeadlineExceeded' }]);
  expect([lab.server.controller.step(), lab.server.controller.step()]).toEqual([
    expect.stringMatching(/^terminate one-/),
    expect.stringMatching(/^remove one-/),
  ]);
  expect(await conditionsOf('one')).toHaveLength(1);
  expect([lab.server.controller.step(), lab.server.controller.step()]).toEqual(['fail one', undefined]);
  expect(await conditionsOf('one')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'DeadlineExceeded' })),
  );
  expect(lab.server.podsStarted('one')).toBe(1);
});

test('an evicted pod is replaced where the Job ignores disruptions, never two at a time', async () => {
  lab.server.setPlan((_job, number) => (number === 1 ? { does: 'get evicted' } : {}));
  const podFailurePolicy = {
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
  };
  await create('patient', { podFailurePolicy });
  await create('strict');
  await lab.server.controller.settle();
  expect(await conditionsOf('patient')).toMatchObject([{ type: 'SuccessCriteriaMet' }, { type: 'Complete' }]);
  expect(await conditionsOf('strict')).toMatchObject([{ type: 'FailureTarget' }, { type: 'Failed' }]);
  expect([lab.server.podsStarted('patient'), lab.server.maximumLivePods('patient')]).toEqual([2, 1]);
});

test('a pod can wait for ever, for a node or for its image, and a queued Job for its quota', async () => {
  lab.server.setPlan((job) =>
    job.metadata.name === 'no-node' ? { does: 'stay unscheduled' } : { does: 'wait', reason: 'ImagePullBackOff' },
  );
  await create('no-node');
  await create('no-image');
  await create('suspended', { suspend: true });
  await lab.server.controller.settle();
  const [unscheduled, unpulled] = [(await podsOf('no-node'))[0]?.status, (await podsOf('no-image'))[0]?.status];
  expect(unscheduled?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }]);
  expect(unpulled?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
  expect(await podsOf('suspended')).toEqual([]);
  await patch('suspended', { metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'gpus' } } });
  await lab.server.controller.settle();
  expect(await podsOf('suspended')).toHaveLength(1);
});

test('a Job with a TTL is collected once it has ended, on record', async () => {
  await create('one');
  await patch('one', { spec: { ttlSecondsAfterFinished: 60 } });
  await lab.server.controller.settle();
  expect([lab.server.store.list('jobs'), lab.server.store.list('pods')]).toEqual([[], []]);
  expect(lab.server.deletions).toMatchObject([{ name: 'one', by: 'ttl' }]);
});

test('a pod that is deleted alone fails its Job', async () => {
  lab.server.setPlan(() => ({ does: 'run for ever' }));
  await create('one');
  await lab.server.controller.settle();
  const [pod] = await podsOf('one');
  await clients().core.deleteNamespacedPod({ name: pod?.metadata?.name ?? '', namespace });
  await lab.server.controller.settle();
  expect(await conditionsOf('one')).toEqual(
    ['FailureTarget', 'Failed'].map((type) => ({ type, reason: 'BackoffLimitExceeded' })),
  );
  expect([await podsOf('one'), lab.server.podsStarted('one')]).toEqual([[], 1]);
});

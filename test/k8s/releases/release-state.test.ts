import { expect, test } from '@jest/globals';
import type { V1ContainerStatus, V1Deployment, V1DeploymentStatus, V1Pod } from '@kubernetes/client-node';
import { classifyRelease } from '../../../k8s/releases/release-state.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const ago = (minutes: number): Date => new Date(nowMs - minutes * 60_000);

const deployment = (status: V1DeploymentStatus, generation = 1): V1Deployment => ({
  metadata: { generation },
  status: { observedGeneration: 1, ...status },
});
const container = (more: Partial<V1ContainerStatus>): V1ContainerStatus => ({
  name: 'engine',
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...more,
});
const pod = (status: Partial<V1ContainerStatus>, minutes = 1): V1Pod => ({
  status: {
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: ago(minutes) }],
    containerStatuses: [container(status)],
  },
});
const unscheduled: V1Pod = {
  status: {
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        message: '0/4 nodes: Insufficient nvidia.com/gpu',
        lastTransitionTime: ago(1),
      },
    ],
  },
};
const pulling = { state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } };
const ending = (restartCount: number, terminated: object) => ({
  restartCount,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: 1, ...terminated } },
});

test('a release has its replicas when they are counted for what was last asked', () => {
  expect(classifyRelease(deployment({ availableReplicas: 2 }), [], 2, nowMs)).toEqual({ kind: 'available' });
  expect(classifyRelease(deployment({ availableReplicas: 2 }, 2), [], 2, nowMs)).toMatchObject({ kind: 'starting' });
  expect(classifyRelease(deployment({ availableReplicas: 1 }), [], 2, nowMs)).toEqual({
    kind: 'starting',
    detail: '1 of 2 replicas are ready',
  });
});

test('KServe gives its Deployments ten minutes, which is not yet too long for a model', () => {
  const late = { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] };
  const made = {
    ...deployment(late),
    metadata: {
      generation: 1,
      ownerReferences: [{ apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', name: 'its', uid: 'its' }],
    },
  };
  expect(classifyRelease(made, [pod({ state: { running: {} } })], 1, nowMs)).toMatchObject({ kind: 'starting' });
});

test.each<[string, V1Pod, V1DeploymentStatus, object]>([
  [
    'a model that loads',
    pod({ state: { running: {} } }, 29),
    {},
    { kind: 'starting', detail: '0 of 1 replicas are ready' },
  ],
  [
    'a node that is waited for',
    unscheduled,
    {},
    { kind: 'starting', detail: '0 of 1 replicas are ready: 0/4 nodes: Insufficient nvidia.com/gpu' },
  ],
  [
    'an image that may still come',
    pod(pulling),
    {},
    { kind: 'starting', detail: '0 of 1 replicas are ready: ImagePullBackOff: not found' },
  ],
  [
    'an image that does not come',
    pod(pulling, 6),
    {},
    { kind: 'stuck', detail: expect.stringContaining('longer than 5 minutes: ImagePullBackOff') },
  ],
  [
    'an image that can have no such name',
    pod({ state: { waiting: { reason: 'InvalidImageName' } } }),
    {},
    { kind: 'stuck' },
  ],
  ['bad luck', pod(ending(2, {})), {}, { kind: 'starting' }],
  [
    'an engine that keeps ending',
    pod(ending(3, { message: 'loading\nKeyError: lm_head\n' })),
    {},
    { kind: 'broken', detail: 'its engine ended 3 times (exit code 1):\nloading\nKeyError: lm_head' },
  ],
  [
    'an engine that needs too much memory',
    pod(ending(3, { reason: 'OOMKilled', exitCode: 137 })),
    {},
    { kind: 'broken', detail: 'its engine ended 3 times (it needs more memory than its limit allows)' },
  ],
  [
    'a quota',
    {},
    { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }] },
    { kind: 'starting', detail: '0 of 1 replicas are ready: exceeded quota' },
  ],
  [
    'an hour',
    pod({ state: { running: {} } }),
    { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] },
    { kind: 'stuck' },
  ],
])('%s', (_what, its, status, expected) => {
  expect(classifyRelease(deployment(status), [its], 1, nowMs)).toMatchObject(expected);
});

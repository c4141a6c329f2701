import { expect, test } from '@jest/globals';
import { ApiException, type V1Deployment } from '@kubernetes/client-node';
import { InferenceServices } from '../../../k8s/releases/inference-services.ts';
import type { InferenceService } from '../../../k8s/manifests/inference-service.ts';
import { deploymentManifest } from '../../../k8s/manifests/release.ts';
import { releaseOf } from '../../builders/releases.ts';

const placement = {
  ...{
    namespace: 'serving',
    image: 'engine',
    command: ['engine'],
    cpu: '1',
    releaseProxyImage: 'release-proxy',
    releaseProxyEnv: {},
    gpus: 0,
    userId: 10_001,
    kserve: true,
  },
  storage: { claim: 'tuneline', mounts: [{ mountPath: '/store', subPath: 'store' }] },
  replicas: { least: 1, most: 4 },
};
const release = releaseOf('1', { weights: { uri: 'file:///store/model', digest: 'sha256:1' } });
const trial = { smokePrompt: 'hello' };
const refusal = (code: number) => Promise.reject(new ApiException(code, '', '', {}));

/** As KServe makes it, of the InferenceService with that UID. */
function deploymentOf(uid: string): V1Deployment {
  const made = deploymentManifest(release, trial, placement);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      ownerReferences: [{ apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', name: 'its', uid }],
    },
  };
}

/** A cluster with KServe and without its controller. `change` is what somebody does to what is made. */
function clusterWith(
  answers: { readonly served?: number; readonly created?: number } = {},
  change: Partial<InferenceService> = {},
  waitMs = 0,
) {
  const asked: string[] = [];
  let there: InferenceService | undefined;
  const custom = {
    getAPIResources: () => (answers.served ? refusal(answers.served) : Promise.resolve({})),
    createNamespacedCustomObject: ({ body }: { body: InferenceService }) => {
      asked.push('create');
      there = { ...body, ...change };
      return answers.created ? refusal(answers.created) : Promise.resolve(there);
    },
    listNamespacedCustomObject: () => Promise.resolve({ items: there ? [there] : [] }),
  };
  const services = new InferenceServices(
    custom as unknown as ConstructorParameters<typeof InferenceServices>[0],
    placement,
    waitMs,
  );
  return {
    asked,
    create: (find: () => V1Deployment | undefined = () => undefined) =>
      services.create(release, trial, () => Promise.resolve(find())),
  };
}

test('where the cluster has no KServe nothing is made; where it does not say, it is asked at the next attempt', async () => {
  for (const [served, error] of [
    [404, /^TUNELINE_SERVING: kserve, but .*; install KServe, or unset TUNELINE_SERVING/],
    [503, /503/],
  ] as const) {
    const { asked, create } = clusterWith({ served });
    await expect(create()).rejects.toThrow(error);
    expect(asked).toEqual([]);
  }
});

test('one that is there is taken, with its Deployment', async () => {
  const deployment = deploymentOf('its');
  expect(await clusterWith({ created: 409 }, { metadata: { name: 'its', uid: 'its' } }).create(() => deployment)).toBe(
    deployment,
  );
});

test('one that the cluster refuses is no release, whatever is there', async () => {
  await expect(
    clusterWith({ created: 403 }, { metadata: { name: 'its', uid: 'its' } }).create(() => deploymentOf('its')),
  ).rejects.toThrow(/403/);
});

test('a Deployment of another that had the name is waited past', async () => {
  const [late, own] = [deploymentOf('gone'), deploymentOf('its')];
  const found = [late, late, own];
  const { create } = clusterWith({}, { metadata: { name: 'its', uid: 'its' } }, 10_000);
  expect(await create(() => found.shift())).toBe(own);
});

test('one that KServe makes nothing of is named, with what KServe says, or what to look at', async () => {
  await expect(clusterWith().create()).rejects.toThrow(
    /^InferenceService tl-summaries-\w+ has no Deployment after .*: KServe's controller says nothing; "kubectl -n serving describe inferenceservice tl-/,
  );
  const status = {
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'PredictorReady', status: 'False', message: 'fails to reconcile predictor: invalid domain name' },
    ],
  };
  await expect(clusterWith({}, { status }).create()).rejects.toThrow(
    /after .* s: fails to reconcile predictor: invalid domain name; "kubectl/,
  );
});

test('one on its way out is no release, though its Deployment is still there', async () => {
  const leaving = { metadata: { name: 'its', uid: 'its', deletionTimestamp: new Date() } };
  await expect(clusterWith({ created: 409 }, leaving).create(() => deploymentOf('its'))).rejects.toThrow(
    'made at the next attempt',
  );
});

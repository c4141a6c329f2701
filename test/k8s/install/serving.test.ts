import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAllYaml, type KubernetesObject, type V1NetworkPolicy } from '@kubernetes/client-node';
import { expect, test } from '@jest/globals';
import { deploymentManifest } from '../../../k8s/manifests/release.ts';
import { ports } from '../../../k8s/manifests/release-pod.ts';
import { loadConfig } from '../../../workers/config.ts';
import { placementOf } from '../../../workers/kubernetes.ts';
import { releasePlacementOf } from '../../../workers/kubernetes-releases.ts';
import { releaseOf } from '../../builders/releases.ts';
import { repository } from '../../support/stack.ts';

const objects = (file: string) =>
  loadAllYaml(readFileSync(join(repository, 'k8s/install', file), 'utf8')) as KubernetesObject[];
const policy = objects('serving.yaml').find(({ kind }) => kind === 'NetworkPolicy') as V1NetworkPolicy;

test('the network policy is of the pods that releases have, and opens the ports that they listen at, each to whom it is for', () => {
  const config = loadConfig({
    TUNELINE_RUNNER: 'kubernetes',
    TUNELINE_HOME: '/store',
    TUNELINE_JOB_IMAGE: 'jobs',
    TUNELINE_STORAGE_CLAIM: 'tuneline',
    MLFLOW_TRACKING_URI: 'http://mlflow:5000',
    TUNELINE_ENGINE_IMAGE: 'engine',
    TUNELINE_RELEASE_PROXY_IMAGE: 'front',
  });
  const placement = releasePlacementOf(config, placementOf(config, 1000));
  if (!placement) throw new Error('an engine is named');
  const release = releaseOf('1', { weights: { uri: 'file:///store/state/artifacts/model', digest: 'sha256:1' } });
  expect(deploymentManifest(release, { smokePrompt: '' }, placement).spec?.template.metadata?.labels).toMatchObject(
    policy.spec?.podSelector?.matchLabels ?? { none: '' },
  );
  const worker = objects('worker/worker.yaml').find(({ kind }) => kind === 'Deployment') as {
    spec?: { template?: { metadata?: { labels?: Record<string, string> } } };
  };
  expect(policy.spec?.ingress).toEqual([
    { _from: [{ namespaceSelector: {} }], ports: [{ protocol: 'TCP', port: ports.clients }] },
    {
      _from: [{ podSelector: { matchLabels: worker.spec?.template?.metadata?.labels } }],
      ports: [{ protocol: 'TCP', port: ports.internal }],
    },
  ]);
});

test('releases reach MLflow and names, and no address of credentials', () => {
  const egress = policy.spec?.egress ?? [];
  expect(egress.filter(({ to }) => to).flatMap(({ ports: open = [] }) => open.map(({ port }) => port))).toEqual([
    443, 5000,
  ]);
  expect(JSON.stringify(egress.filter(({ to }) => to).map(({ to }) => to))).toContain('169.254.0.0/16');
});

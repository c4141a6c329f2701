import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAllYaml, type KubernetesObject, type V1ConfigMap } from '@kubernetes/client-node';
import { expect } from '@jest/globals';
import type { JobPlacement } from '../../../../k8s/manifests/job.ts';
import { loadConfig } from '../../../../workers/config.ts';
import { placementOf, unprivilegedUser } from '../../../../workers/kubernetes.ts';
import { repository } from '../../../support/stack.ts';

/** The namespace that the files name. */
export const namespace = 'tuneline';
export const folder = join(repository, 'k8s', 'install');

/** What `kubectl apply -k` would apply; the files use nothing of kustomize but lists of resources. */
export async function objectsOf(path: string): Promise<KubernetesObject[]> {
  if (path.endsWith('.yaml')) return loadAllYaml(await readFile(path, 'utf8')) as KubernetesObject[];
  const [kustomization] = loadAllYaml(await readFile(join(path, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
  }[];
  expect(Object.keys(kustomization ?? {})).toEqual(['apiVersion', 'kind', 'resources']);
  return (
    await Promise.all((kustomization?.resources ?? []).map((resource) => objectsOf(join(path, resource))))
  ).flat();
}

/** As the worker's Deployment sets it, once an overlay has named the image. */
export async function placement(): Promise<JobPlacement> {
  const [settings] = (await objectsOf(join(folder, 'settings.yaml'))) as V1ConfigMap[];
  const placed = placementOf(
    loadConfig({ ...settings?.data, TUNELINE_NAMESPACE: namespace, TUNELINE_JOB_IMAGE: 'jobs@sha256:0' }),
    unprivilegedUser,
  );
  if (!placed) throw new Error('the settings choose Kubernetes');
  return placed;
}

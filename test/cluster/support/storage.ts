import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CoreV1Api } from '@kubernetes/client-node';
import { repository } from '../../support/stack.ts';

export interface NamespaceWithClaim {
  readonly namespace: string;
  readonly claim: string;
  /** Of the node: what the claim holds. */
  readonly folder: string;
}

/** A namespace as installed ones are, whose pods are restricted, with a claim that many of them hold at once. */
export async function makeNamespaceWithClaim(
  core: CoreV1Api,
  { namespace, claim, folder }: NamespaceWithClaim,
): Promise<void> {
  const storage = { accessModes: ['ReadWriteMany'], storageClassName: '' };
  await core.createNamespace({
    body: { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  await core.createPersistentVolume({
    body: {
      metadata: { name: namespace },
      spec: { ...storage, capacity: { storage: '1Gi' }, hostPath: { path: folder } },
    },
  });
  await core.createNamespacedPersistentVolumeClaim({
    namespace,
    body: {
      metadata: { name: claim },
      spec: { ...storage, volumeName: namespace, resources: { requests: { storage: '1Gi' } } },
    },
  });
}

/** As hard links: neither gigabytes of copies, nor a link that leads out of a claim. */
export async function linkTree(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['--archive', '--link', from, to]);
}

/** The packages of the Jobs' environment, which are too large for an image made here. */
export async function linkJobsPackages(into: string): Promise<void> {
  const lib = join(repository, '.tuneline/tools/jobs/lib');
  const [python = ''] = await readdir(lib);
  // By this name libraries tell installed code from a user's.
  await linkTree(join(lib, python, 'site-packages'), join(into, 'site-packages'));
}

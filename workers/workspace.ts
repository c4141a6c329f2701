import { join } from 'node:path';
import type { Workspace } from '../activities/dependencies.ts';
import { digestOf } from '../domain/digest.ts';
import { describeRevision, digestJobsCode } from './code-identity.ts';
import type { Config } from './config.ts';
import { placementOf } from './kubernetes.ts';

/** The root and models folders by which a spec's names resolve, and the digest of the code that Jobs run. */
export async function workspaceOf(config: Config): Promise<Workspace> {
  const placement = placementOf(config);
  const { repository, home } = config.folders;
  return {
    root: repository,
    models: join(home, 'models'),
    // On a cluster the Jobs' code is part of the image, so the image stands for it.
    codeDigest: placement ? digestOf({ image: placement.image }) : await digestJobsCode(repository),
    ...(placement ? { cluster: { gpusPerNode: placement.gpus } } : {}),
    codeRevision: await describeRevision(repository),
  };
}

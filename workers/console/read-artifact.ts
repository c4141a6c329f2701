import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '../../domain/job/job.ts';
import { Refusal } from './lifecycles.ts';

/**
 * About some hundred thousand answers. Larger files would exhaust the console's memory, and a browser could not show
 * them.
 */
const maximumBytes = 64 * 1024 * 1024;

export type ReadArtifact = (artifact: Artifact) => Promise<string>;

/**
 * Reads files inside the artifact store only: a Job names the path, and a manipulated Job could name another file or
 * leave a link there. Refuses a file that changed since its digest was taken, so that nobody judges what the gate did
 * not see.
 */
export const createArtifactReader =
  (root: string): ReadArtifact =>
  async ({ uri, digest }) => {
    const path = uri.startsWith('file:') ? await realpath(fileURLToPath(uri)).catch(() => undefined) : undefined;
    if (path === undefined)
      throw new Refusal(404, 'The artifact was deleted, or it is in a place that this console cannot read.');
    const inside = relative(await realpath(root), path);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`))
      throw new Refusal(403, 'The artifact that was named lies outside the artifact store.');
    if ((await stat(path)).size > maximumBytes)
      throw new Refusal(
        413,
        `The artifact is larger than the ${maximumBytes / 1024 ** 2} MiB that the console shows; read it in MLflow.`,
      );
    const bytes = await readFile(path);
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (found !== digest)
      throw new Refusal(
        409,
        `The artifact was changed after it was judged: its digest is ${found}, and ${digest} was recorded.`,
      );
    return bytes.toString('utf8');
  };

import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '../../domain/job/job.ts';
import { Refusal } from './lifecycles.ts';

/** A table of some hundred thousand answers; a browser has no use for more, and the console no memory. */
const maximumBytes = 64 * 1024 * 1024;

export type ReadArtifact = (artifact: Artifact) => Promise<string>;

/**
 * Reads files of the artifact store, and nothing else: where they lie was said by a Job, which may have been told what to say
 * or left a link there. What was changed since its digest was taken is refused: nobody judges by what the gate did not see.
 */
export const createArtifactReader =
  (root: string): ReadArtifact =>
  async ({ uri, digest }) => {
    const path = uri.startsWith('file:') ? await realpath(fileURLToPath(uri)).catch(() => undefined) : undefined;
    if (path === undefined)
      throw new Refusal(404, 'What the evaluation wrote is not there any more, or not where this console can read it.');
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

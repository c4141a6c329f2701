import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImage, makeJobsImage, makePythonRoot, type Image } from '../images.ts';

const program = fileURLToPath(new URL('behaviours.py', import.meta.url));

export async function makeBehavioursImage(into: string): Promise<Image> {
  const layer = await mkdtemp(join(into, 'behaviours-'));
  await copyFile(program, join(layer, 'behaviours.py'));
  return makeImage(into, {
    name: 'tuneline.test/behaviours',
    layers: [await makePythonRoot(into, 'python3'), layer],
    entrypoint: ['python', '/behaviours.py'],
  });
}

export const makeNoopImage = (into: string): Promise<Image> =>
  makeJobsImage(into, {
    name: 'tuneline.test/jobs',
    sources: fileURLToPath(new URL('../../../../jobs', import.meta.url)),
    python: 'python3',
    packagesAt: '/packages',
  });

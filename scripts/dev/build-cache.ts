import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Says that Tuneline made the folder, so that it may remove it. */
const marker = '.made-by-tuneline';

/** Where programs lie that the tests build from source, by digest: outside the checkout, so that all checkouts on this machine share them. */
export function buildCacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const home = env['HOME'] || homedir();
  const caches =
    platform === 'darwin' ? join(home, 'Library', 'Caches') : env['XDG_CACHE_HOME'] || join(home, '.cache');
  return join(caches, 'tuneline', 'builds');
}

/** Makes the folder with its marker. Idempotent. */
export async function makeBuildCache(folder = buildCacheFolder()): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, marker),
    'Programs that the tests of Tuneline built from source. Remove them with: npm run clean:builds\n',
  );
  return folder;
}

/** What `npm run clean:builds` says; throws where a folder lies there that Tuneline did not make. */
export async function removeBuildCache(folder = buildCacheFolder()): Promise<string> {
  if (!existsSync(folder)) return `nothing to remove: there is no ${folder}`;
  if (!existsSync(join(folder, marker)))
    throw new Error(`${folder} has no ${marker}, so Tuneline did not make it. Remove it by hand if nobody needs it.`);
  await rm(folder, { recursive: true });
  return `removed ${folder}`;
}

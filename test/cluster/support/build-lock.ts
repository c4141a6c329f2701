import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from '../../../local/process-identity.ts';

/** `self` once this process holds the lock, which is a file to remove in the end; else who holds it; undefined if it was let go just now. */
export async function tryLock(path: string): Promise<'self' | ProcessIdentity | undefined> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, JSON.stringify(identityOf(process.pid)));
  try {
    // A link shows the whole file or none, so that the holder can be read whenever there is one.
    await link(own, path);
    return 'self';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await holderOf(path);
  } finally {
    await rm(own);
  }
}

/** Takes the lock away from a holder that was killed. */
export async function untilReleased(path: string, holder: ProcessIdentity): Promise<void> {
  const isHeld = async (): Promise<boolean> => (await holderOf(path))?.pid === holder.pid;
  while (isAlive(holder) && (await isHeld())) await delay(200);
  if (await isHeld()) await rm(path, { force: true });
}

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
}

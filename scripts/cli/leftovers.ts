import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobFolders } from '../../local/job-folder.ts';
import { isAlive, type ProcessIdentity } from '../../local/process-identity.ts';
import { AlreadyUpError, endProcesses } from '../../local/stack.ts';
import { readStackState } from '../../local/stack-state.ts';

/** Ends what a stack that is not up any more left running: services, Jobs and engines. Rejects with `AlreadyUpError` where it is up. */
export async function endLeftovers(state: string): Promise<void> {
  const stack = readStackState(state);
  if (stack && isAlive(stack.up))
    throw new AlreadyUpError(`A stack is up already, as process ${stack.up.pid}.\nhint: Ctrl-C there ends it.`);
  if (stack) await endProcesses(stack.processes);
  await endProcesses(Object.fromEntries([...(await runningJobs(state)), ...(await runningEngines(state))]));
}

async function runningJobs(state: string): Promise<[string, ProcessIdentity][]> {
  const folders = new JobFolders(join(state, 'jobs'));
  const names = await folders.openNames().catch((): string[] => []);
  const claimed = await Promise.all(names.map(async (name) => [name, await folders.claimant(name)] as const));
  return claimed.flatMap(([name, claimant]) =>
    claimant === undefined || claimant === 'nobody' ? [] : [[name, claimant]],
  );
}

/** An engine whose endpoint was killed goes on until somebody ends it. */
async function runningEngines(state: string): Promise<[string, ProcessIdentity][]> {
  const folder = join(state, 'endpoints');
  const files = await readdir(folder, { recursive: true }).catch((): string[] => []);
  const written = files.filter((file) => file.endsWith('process.json'));
  return Promise.all(
    written.map(async (file): Promise<[string, ProcessIdentity]> => [
      file,
      JSON.parse(await readFile(join(folder, file), 'utf8')) as ProcessIdentity,
    ]),
  );
}

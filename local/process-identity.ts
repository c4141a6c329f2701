import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Identifies a process, whoever started it. The start time distinguishes it from a later process with the same PID. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** Undefined if the process does not exist or is a zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const found = process.platform === 'linux' ? readProc(pid) : readPs(pid);
  return found === undefined || found.state.startsWith('Z') ? undefined : { pid, startedAt: found.startedAt };
}

export const isAlive = (identity: ProcessIdentity): boolean =>
  identityOf(identity.pid)?.startedAt === identity.startedAt;

/** True while the group's leader, or any process that it left in its group, is alive. */
export function isGroupAlive(leader: ProcessIdentity): boolean {
  const now = identityOf(leader.pid);
  // The kernel does not reuse a PID while its process group has members.
  return now === undefined ? groupHasLiveMember(leader.pid) : now.startedAt === leader.startedAt;
}

/**
 * Sends SIGTERM to the whole process group, and SIGKILL to the rest after the grace period. Resolves once the group is
 * gone. Does nothing if it is already gone.
 */
export async function endGroup(leader: ProcessIdentity, graceMs: number): Promise<void> {
  if (!isGroupAlive(leader)) return;
  signalGroup(leader.pid, 'SIGTERM');
  const killAt = performance.now() + graceMs;
  while (isGroupAlive(leader)) {
    if (performance.now() >= killAt) signalGroup(leader.pid, 'SIGKILL');
    await delay(25);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

function groupHasLiveMember(pid: number): boolean {
  try {
    process.kill(-pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
  // Signals also reach zombies. An init that reaps slowly leaves some, and they must not count as alive.
  return process.platform !== 'linux' || membersOf(pid).some((member) => identityOf(member) !== undefined);
}

function membersOf(group: number): number[] {
  const listing = execFileSync('ps', ['-eo', 'pid=,pgid='], { encoding: 'utf8' });
  return listing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([member, of]) => (of === group && member !== undefined ? [member] : []));
}

function readProc(pid: number): { state: string; startedAt: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may contain spaces and parentheses, so this counts after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function readPs(pid: number): { state: string; startedAt: string } | undefined {
  try {
    const [state = '', ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    })
      .trim()
      .split(/\s+/);
    return { state, startedAt: started.join(' ') };
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A process that another process may have started: the start time tells it from a later process
 * that was given the same number.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** Undefined if there is no such process, or only its zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const found = process.platform === 'linux' ? readProc(pid) : readPs(pid);
  return found === undefined || found.state.startsWith('Z') ? undefined : { pid, startedAt: found.startedAt };
}

export const isAlive = (identity: ProcessIdentity): boolean =>
  identityOf(identity.pid)?.startedAt === identity.startedAt;

/** True while the group's leader or any process it left behind in its group lives. */
export function isGroupAlive(leader: ProcessIdentity): boolean {
  const now = identityOf(leader.pid);
  // The kernel gives no new process the number of a group that still has members.
  return now === undefined ? groupHasLiveMember(leader.pid) : now.startedAt === leader.startedAt;
}

/**
 * SIGTERM to the whole process group, SIGKILL to what is left after the grace; resolves once all
 * of it is gone. Does nothing if it is gone already.
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
  // A signal reaches zombies too; where an init reaps slowly, they must not count as alive.
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
    // The command name, in parentheses, may itself hold spaces and parentheses: count after the last one.
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

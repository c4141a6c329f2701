import { DatabaseSync } from 'node:sqlite';

/** A holder writes one small file. */
const patienceMs = 10_000;

/**
 * Runs `change` while no other process runs one under the same path; throws where it may not write there, or the lock is not let go.
 * Node locks no files by itself, SQLite does: the system takes the lock from a holder that was killed, so none is ever stale.
 * Synchronous, so that two of one process can't wait for each other.
 */
export function whileLocked<T>(path: string, change: () => T): T {
  const lock = new DatabaseSync(path, { timeout: patienceMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return change();
  } finally {
    lock.close();
  }
}

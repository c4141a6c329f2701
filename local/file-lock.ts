import { DatabaseSync } from 'node:sqlite';

/** The holder only writes one small file, so ten seconds mean that it hangs. */
const patienceMs = 10_000;

/**
 * Runs `change` while no other process holds the lock at this path. Throws if the path is not writable, or if the lock
 * is not released in time. Uses SQLite, because Node has no file locks. The system releases the lock of a killed
 * holder, so that no lock is ever stale. Synchronous, so that two callers in one process can't wait for each other.
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

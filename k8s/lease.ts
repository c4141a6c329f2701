import { setTimeout as delay } from 'node:timers/promises';
import { CoordinationV1Api, V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import { statusOf, unlessMissing } from './client.ts';

export interface LeaseOptions {
  readonly api: CoordinationV1Api;
  readonly namespace: string;
  readonly name: string;
  /** Identifies this process. Must be unique. */
  readonly holder: string;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  readonly clocks?: LeaseClocks;
}

export interface LeaseClocks {
  /** Anyone may take a Lease that was not renewed for this long. */
  readonly durationMs: number;
  readonly renewMs: number;
}

/**
 * Kubernetes' own components also use 15 s: longer than a failover of the API server, too short for people to notice.
 */
const leaseClocks: LeaseClocks = { durationMs: 15_000, renewMs: 5000 };

/**
 * Runs `lead` whenever this process holds the Lease, until the signal aborts. The signal that `lead` gets aborts before
 * another process may take the Lease, so that no two processes lead at the same time.
 */
export async function whileLeading(
  { api, namespace, name, holder, log, clocks = leaseClocks }: LeaseOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  /**
   * The holder's last renewal, and the local time at which it was first seen. Clocks of other machines are not trusted.
   */
  let seen = { renewal: '', atMs: 0 };

  /** Takes or renews the Lease. True if this process holds it now. */
  async function take(): Promise<boolean> {
    const lease = await api.readNamespacedLease({ namespace, name }).catch(unlessMissing);
    if (!lease) return written(api.createNamespacedLease({ namespace, body: leaseOf() }));
    const { holderIdentity, renewTime } = lease.spec ?? {};
    const renewal = `${holderIdentity ?? ''} ${String(renewTime)}`;
    if (renewal !== seen.renewal) seen = { renewal, atMs: performance.now() };
    const free =
      !holderIdentity ||
      holderIdentity === holder ||
      performance.now() - seen.atMs > (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
    return free && written(api.replaceNamespacedLease({ namespace, name, body: leaseOf(lease) }));
  }

  const leaseOf = (before?: V1Lease, by = holder): V1Lease => ({
    metadata: {
      name,
      namespace,
      ...(before?.metadata?.resourceVersion ? { resourceVersion: before.metadata.resourceVersion } : {}),
    },
    spec: {
      holderIdentity: by,
      leaseDurationSeconds: Math.ceil(clocks.durationMs / 1000),
      renewTime: new V1MicroTime(),
    },
  });

  async function leadUntilLost(): Promise<void> {
    const lost = new AbortController();
    const until = AbortSignal.any([signal, lost.signal]);
    const leading = lead(until).finally(() => lost.abort());
    // A timer, because a request may hang. Other processes count from this renewal or a later one, so they wait longer
    // than this timer.
    let expiry = setTimeout(() => lost.abort(), clocks.durationMs - clocks.renewMs);
    while (!until.aborted) {
      await pause(clocks.renewMs, until);
      const askedAtMs = performance.now();
      const kept = await take().catch((error: unknown) => {
        log('the Lease could not be renewed', { lease: name, error: String(error) });
        return undefined;
      });
      if (kept === false) lost.abort();
      if (!kept) continue;
      clearTimeout(expiry);
      expiry = setTimeout(() => lost.abort(), clocks.durationMs - clocks.renewMs - (performance.now() - askedAtMs));
    }
    clearTimeout(expiry);
    await leading;
  }

  while (!signal.aborted) {
    const taken = await take().catch((error: unknown) => {
      log('the Lease could not be asked for', { lease: name, error: String(error) });
      return false;
    });
    if (taken) await leadUntilLost();
    await pause(clocks.renewMs, signal);
  }
  // Releases the Lease, so that the next holder need not wait for it to expire.
  const lease = await api.readNamespacedLease({ namespace, name }).catch(() => undefined);
  if (lease?.spec?.holderIdentity === holder)
    await api.replaceNamespacedLease({ namespace, name, body: leaseOf(lease, '') }).catch(() => undefined);
}

/** False if another process wrote first. */
const written = (request: Promise<unknown>): Promise<boolean> =>
  request.then(
    () => true,
    (error: unknown) => {
      if (statusOf(error) === 409) return false;
      throw error;
    },
  );

const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

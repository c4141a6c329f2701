import { setTimeout as delay } from 'node:timers/promises';
import { CoordinationV1Api, V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import { statusOf, unlessMissing } from './client.ts';

export interface LeaseOptions {
  readonly api: CoordinationV1Api;
  readonly namespace: string;
  readonly name: string;
  /** Who asks for it; no two processes have the same. */
  readonly holder: string;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  readonly clocks?: LeaseClocks;
}

export interface LeaseClocks {
  /** Unrenewed for so long, anyone may take it. */
  readonly durationMs: number;
  readonly renewMs: number;
}

/** Kubernetes' own components use 15 s, too: longer than a failover of its API server, shorter than people notice. */
const leaseClocks: LeaseClocks = { durationMs: 15_000, renewMs: 5000 };

/**
 * Runs `lead` whenever this process holds the Lease, until the signal. The signal that `lead` gets ends
 * before anyone else may take the Lease, so that two of them run at no time.
 */
export async function whileLeading(
  { api, namespace, name, holder, log, clocks = leaseClocks }: LeaseOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  /** What the holder last wrote, and when we saw it first: no other machine's clock is believed. */
  let seen = { renewal: '', atMs: 0 };

  /** Whether the Lease is ours as of now. */
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
    // By a timer, for a request may hang. Whoever waits for the Lease counts from the renewal that we know of, or a later one.
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
  // Handed back, so that the next one need not wait for it to run out.
  const lease = await api.readNamespacedLease({ namespace, name }).catch(() => undefined);
  if (lease?.spec?.holderIdentity === holder)
    await api.replaceNamespacedLease({ namespace, name, body: leaseOf(lease, '') }).catch(() => undefined);
}

/** False where another was faster. */
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

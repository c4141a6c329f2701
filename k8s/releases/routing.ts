import type { V1Deployment } from '@kubernetes/client-node';
import type { Share } from '../../domain/endpoint/release.ts';
import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import { annotations } from '../names.ts';

interface ObjectMeta {
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An endpoint's shares as the cluster holds them. */
export interface TrafficRecord {
  readonly shares: readonly Share[];
  /** `releaseId` of what had all traffic last. */
  readonly settled?: string;
  /** Of the object that holds them; undefined where there is none yet. */
  readonly resourceVersion?: string;
}

/** What splits an endpoint's traffic. It holds the record, and there is no other. */
export interface Routing {
  /** Whether any pod of the endpoint gets requests while several releases have traffic. */
  readonly isSharedByAll: boolean;
  urlOf(endpoint: string): string;
  boundsOf(shares: readonly Share[], bounds: ReplicaBounds): ReplicaBounds[];
  read(endpoint: string): Promise<TrafficRecord>;
  /** Makes what a release's share is sent to. Idempotent. */
  open(deployment: V1Deployment): Promise<void>;
  /** One request, after which the shares hold; rejects where another wrote since `before` was read. */
  write(endpoint: string, shares: readonly Share[], before: TrafficRecord): Promise<void>;
  /** What is still missing until clients get what was written, in words. */
  missing(endpoint: string, shares: readonly Share[], bounds: readonly ReplicaBounds[]): Promise<string | undefined>;
}

/** Of another writer that was faster. */
export const overtaken = (endpoint: string): Error =>
  new Error(`The traffic of ${endpoint} was changed by another meanwhile; nothing was written.`);

/** The record that an object's metadata holds. */
export function recordFrom({ resourceVersion, annotations: notes = {} }: ObjectMeta = {}): TrafficRecord {
  const [shares, settled] = [notes[annotations.shares], notes[annotations.settled]];
  return { shares: shares === undefined ? [] : (JSON.parse(shares) as Share[]), settled, resourceVersion };
}

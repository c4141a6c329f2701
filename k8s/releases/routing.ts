import type { V1Deployment } from '@kubernetes/client-node';
import type { Share } from '../../domain/endpoint/release.ts';
import type { ReplicaBounds } from '../../domain/endpoint/replicas.ts';
import { annotations } from '../names.ts';

interface ObjectMeta {
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An endpoint's shares, as recorded in the cluster. */
export interface TrafficRecord {
  readonly shares: readonly Share[];
  /** `releaseId` of the last release that had all traffic. */
  readonly settled?: string;
  /** The version of the object that holds the record. Undefined if there is none yet. */
  readonly resourceVersion?: string;
}

/** Splits an endpoint's traffic. It also holds the only record of it. */
export interface Routing {
  /** True if, during a split, every pod of the endpoint gets requests. */
  readonly isSharedByAll: boolean;
  urlOf(endpoint: string): string;
  boundsOf(shares: readonly Share[], bounds: ReplicaBounds): ReplicaBounds[];
  read(endpoint: string): Promise<TrafficRecord>;
  /** Creates the object that receives a release's share, if one is needed. Idempotent. */
  open(deployment: V1Deployment): Promise<void>;
  /** Sets the shares in one request. Rejects if another process wrote since `before` was read. */
  write(endpoint: string, shares: readonly Share[], before: TrafficRecord): Promise<void>;
  /** Describes what is missing until clients see the new shares. Undefined: nothing. */
  missing(endpoint: string, shares: readonly Share[], bounds: readonly ReplicaBounds[]): Promise<string | undefined>;
}

/** The error if another writer was faster. */
export const overtaken = (endpoint: string): Error =>
  new Error(`The traffic of ${endpoint} was changed by another process at the same time; nothing was written.`);

/** Reads the record from an object's metadata. */
export function recordFrom({ resourceVersion, annotations: notes = {} }: ObjectMeta = {}): TrafficRecord {
  const [shares, settled] = [notes[annotations.shares], notes[annotations.settled]];
  return { shares: shares === undefined ? [] : (JSON.parse(shares) as Share[]), settled, resourceVersion };
}

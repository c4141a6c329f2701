import type { IncomingMessage } from 'node:http';
import type { ApiObject, Resource } from './api-object.ts';
import type { RequestFault } from './faults.ts';
import { StatusError } from './status.ts';

/** A request that would change something, whether or not it did. */
export interface MutatingRequest {
  readonly method: string;
  readonly resource: Resource;
  readonly name: string;
  /** Who sent it: the `user` of `kubeConfigFor`. */
  readonly user: string;
  readonly body: unknown;
  /** Of the object that it found or made. */
  readonly uid?: string;
  /** What the server decided; 0 where the request was lost before. The client may have seen something else, see `fault`. */
  readonly code: number;
  readonly applied: boolean;
  readonly fault?: RequestFault;
}

export interface Deletion {
  readonly resource: Resource;
  readonly name: string;
  readonly uid: string;
  readonly by: 'request' | 'ttl';
  readonly user?: string;
}

export interface Options {
  /** The clock of the timestamps. */
  readonly now?: () => number;
  /** How long a second of `timeoutSeconds` lasts: 1 ms, so that a watch of five minutes ends within a test. */
  readonly secondMs?: number;
}

/** The object or collection that a path names. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly log: boolean;
  readonly query: URLSearchParams;
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
}

/** The verb of the API that the request stands for. */
export function verbOf(method: string, { query, name }: Target): string {
  if (method !== 'GET') return method.toLowerCase();
  if (query.get('watch')) return 'watch';
  return name === undefined ? 'list' : 'get';
}

export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}

/** Throws a conflict where the object is not the one that the client means. */
export function checkPreconditions(
  resource: Resource,
  { metadata: { uid, resourceVersion, name } }: ApiObject,
  preconditions: DeleteOptions['preconditions'],
): void {
  for (const [field, wanted, held] of [
    ['UID', preconditions?.uid, uid],
    ['ResourceVersion', preconditions?.resourceVersion, resourceVersion],
  ] as const)
    if (wanted !== undefined && wanted !== held)
      throw new StatusError(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${resource} "${name}": Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${held}`,
      );
}

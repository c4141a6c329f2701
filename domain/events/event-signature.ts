import { createHmac, timingSafeEqual } from 'node:crypto';
import { signatureWindowMs } from './event.ts';

/** A request as its headers and bytes have it; anything may stand there. */
export interface Delivery {
  readonly id: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: string | undefined;
  /** `v1,` and base64; several, with blanks between, while a secret is changed. */
  readonly signature: string | undefined;
  /** The raw bytes that were signed. */
  readonly content: Uint8Array;
}

/** Full stops stand between what is signed: one in an ID could move the borders. */
const plainId = /^[!-\-/-~]{1,200}$/;

/** Why a request is not believed, or undefined. It says nothing of how close the signature came. */
export function refuseDelivery(
  { id, timestamp, signature, content }: Delivery,
  key: Uint8Array,
  nowMs: number,
): string | undefined {
  if (id === undefined || !plainId.test(id))
    return 'The request must carry an ID of 1 to 200 printable characters without blanks and full stops.';
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp))
    return 'The request must carry its timestamp in seconds since 1970.';
  if (Math.abs(nowMs - Number(timestamp) * 1000) > signatureWindowMs)
    return `The request's timestamp is more than ${signatureWindowMs / 60_000} minutes from the console's clock.`;
  const wanted = Buffer.from(sign(id, timestamp, content, key));
  const given = (signature ?? '').split(' ', maximumSignatures);
  // All of them, always: how long it takes says nothing of which one came close.
  const matches = given.map((one) => isEqual(Buffer.from(one), wanted));
  return matches.includes(true) ? undefined : 'The signature does not fit.';
}

/** Nobody changes a secret more often within five minutes. */
const maximumSignatures = 8;

/** `v1,` and base64 of HMAC-SHA256 over ID, timestamp and the raw bytes: of Standard Webhooks, and of MLflow. */
export const sign = (id: string, timestamp: string, content: Uint8Array, key: Uint8Array): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(content).digest('base64')}`;

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** `whsec_` and base64, as Standard Webhooks writes a secret; anything else is taken as it stands. */
export const keyOf = (secret: string): Uint8Array =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);

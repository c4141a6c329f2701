import { createHmac, timingSafeEqual } from 'node:crypto';
import { signatureWindowMs } from './event.ts';

/** The headers and bytes of a request. They are untrusted. */
export interface Delivery {
  readonly id: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: string | undefined;
  /** `v1,` and base64. While a secret is being changed there can be several, separated by blanks. */
  readonly signature: string | undefined;
  /** The raw bytes that were signed. */
  readonly content: Uint8Array;
}

/** The signed parts are joined by full stops, so an ID with a full stop could shift their borders. */
const plainId = /^[!-\-/-~]{1,200}$/;

/**
 * Returns the reason to refuse a request; undefined if the signature is valid. The reason does not reveal how close the
 * signature was.
 */
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
  // Compare all of them every time, so that the duration does not reveal which one was close.
  const matches = given.map((one) => isEqual(Buffer.from(one), wanted));
  return matches.includes(true) ? undefined : 'The signature does not fit.';
}

/** Enough for a change of secrets: nobody changes a secret more often within five minutes. */
const maximumSignatures = 8;

/** `v1,` and base64 of HMAC-SHA256 over ID, timestamp and the raw bytes, as in Standard Webhooks and MLflow. */
export const sign = (id: string, timestamp: string, content: Uint8Array, key: Uint8Array): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(content).digest('base64')}`;

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Decodes `whsec_` and base64, the form of Standard Webhooks. Any other secret is used as it is. */
export const keyOf = (secret: string): Uint8Array =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);

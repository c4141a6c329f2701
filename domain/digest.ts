import { createHash } from 'node:crypto';

/** `sha256:` and 64 hex digits of the canonical JSON: keys sorted, so that equal values give equal digests. */
export function digestOf(value: unknown): string {
  return digestOfText(canonicalJson(value));
}

export function digestOfText(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Digest of a prepared data set: it covers the digests of its two files of examples only. `jobs/` computes the same
 * digest.
 */
export const digestOfDataset = (train: string, heldOut: string): string => digestOfText(`${train}\n${heldOut}\n`);

/** Identifies the computation of a stage: an earlier success with the same digest is reused. */
export const stageDigestOf = (spec: { readonly stage: string }, inputDigests: readonly string[]): string =>
  digestOf({ spec, inputs: inputDigests });

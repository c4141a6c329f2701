/** What a person says of a candidate that the gate let through. */
export interface ReviewDecision {
  readonly decision: 'approve' | 'reject';
  readonly reviewer: string;
  /** The digest under review, as the status shows it: an approval counts for this and nothing else. */
  readonly digest: string;
  readonly comment?: string;
}

/** What the reviewer is shown and answers to. */
export interface ReviewRequest {
  readonly digest: string;
  readonly requester: string | undefined;
  readonly twoPersonRule: boolean;
}

/** Undefined if the decision may stand, else one sentence that says why not and what to do. */
export function refuseReview(raw: unknown, request: ReviewRequest | undefined): string | undefined {
  if (request === undefined) return 'This lifecycle is not awaiting a review.';
  if (!isDecision(raw))
    return `A review is {"decision": "approve" or "reject", "reviewer": your name, "digest": "${request.digest}"}, and a "comment" if you like.`;
  if (raw.digest !== request.digest)
    return `The digest ${raw.digest} is not the one under review; look again, and review ${request.digest}.`;
  if (request.twoPersonRule && sameName(raw.reviewer, request.requester))
    return `${raw.reviewer} asked for this lifecycle, and the two-person rule wants another reviewer.`;
  return undefined;
}

const sameName = (a: string, b: string | undefined): boolean => a.trim().toLowerCase() === b?.trim().toLowerCase();

function isDecision(raw: unknown): raw is ReviewDecision {
  if (typeof raw !== 'object' || raw === null) return false;
  const { decision, reviewer, digest, comment } = raw as Record<string, unknown>;
  return (
    (decision === 'approve' || decision === 'reject') &&
    typeof reviewer === 'string' && reviewer.trim() !== '' &&
    typeof digest === 'string' &&
    (comment === undefined || typeof comment === 'string')
  );
}

/** Everything that determines the endpoint's answers, and the evidence for the approval; every field is a digest. */
export interface ReviewSubject {
  readonly weights: string;
  /** Digest of the prompt version's text. */
  readonly prompt: string;
  /** Digest of the prepared data set; the models were measured on its held-out part. */
  readonly evaluationSet: string;
  readonly evidence: string;
  /** Digest of the code or the image that the Jobs run. */
  readonly code: string;
}

/** The question to the reviewers, with all decisions, comments and delegations so far. */
export interface ReviewRequest {
  /** Digest of `subject`. A decision must name it, and is valid for this subject only. */
  readonly digest: string;
  readonly subject: ReviewSubject;
  readonly requester: string | undefined;
  readonly twoPersonRule: boolean;
  /** The number of different people who must approve. */
  readonly approvals: number;
  /** Names, and roles as `role:NAME`; undefined if anyone may decide. */
  readonly reviewers?: readonly string[];
  /** ISO 8601, like every time in this file. */
  readonly since: string;
  readonly deadline: string;
  readonly escalatedAt?: string;
  readonly decisions: readonly Said<ReviewDecision>[];
  readonly comments: readonly Said<ReviewComment>[];
  readonly delegations: readonly Said<Delegation>[];
}

/** A review that has ended, in the form that MLflow keeps. */
export interface ReviewRecord extends ReviewRequest {
  readonly outcome: 'approved' | 'rejected' | 'expired' | 'stale';
  readonly endedAt: string;
  /** The differences between the approved subject and the one found right before deploy, from `describeChanges`. */
  readonly changes?: readonly string[];
}

type Said<T> = T & { readonly at: string };

/** A person's decision on a candidate that passed the gate. */
export interface ReviewDecision {
  readonly decision: 'approve' | 'reject';
  /** The caller has verified this name. The same holds for all names and roles here: see docs/adr/0006-review.md. */
  readonly reviewer: string;
  readonly roles?: readonly string[];
  readonly digest: string;
  readonly comment?: string;
}

export interface ReviewComment {
  readonly author: string;
  readonly text: string;
}

/** After a delegation `to` may decide, and `from` may not. */
export interface Delegation {
  readonly from: string;
  readonly roles?: readonly string[];
  readonly to: string;
}

/** One rejection rejects the candidate. Returns undefined while there are too few approvals. */
export function outcomeOf({ decisions, approvals }: ReviewRequest): 'approved' | 'rejected' | undefined {
  if (decisions.some(({ decision }) => decision === 'reject')) return 'rejected';
  return decisions.length >= approvals ? 'approved' : undefined;
}

/** The reviewers whose decisions led to the outcome, in the order of their decisions. */
export function decidedBy({ decisions }: ReviewRequest): string {
  const rejected = decisions.filter(({ decision }) => decision === 'reject');
  return (rejected.length > 0 ? rejected : decisions).map(({ reviewer }) => reviewer).join(', ');
}

/** Compares names by `plainName`, so that different spellings of a name count as one person. */
export const sameName = (a: string, b: string | undefined): boolean => b !== undefined && plainName(a) === plainName(b);

/**
 * Gives names that look alike the same spelling: it unifies width, case and blanks, and removes invisible characters.
 */
export const plainName = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase();

/** True if this person may decide: by name, by role, or because a colleague delegated the review to them. */
export function isAsked(
  { reviewers, delegations }: ReviewRequest,
  name: string,
  roles: readonly string[] = [],
): boolean {
  const listed =
    reviewers === undefined ||
    reviewers.some((entry) =>
      [name, ...roles.map((role) => `${rolePrefix}${role}`)].some((mine) => sameName(mine, entry)),
    );
  return delegations.reduce(
    (asked, { from, to }) => (sameName(name, from) ? false : asked || sameName(name, to)),
    listed,
  );
}

/** Distinguishes a role from a name in a list of reviewers. */
export const rolePrefix = 'role:';

/** Describes each difference in a few words; empty if everything is as it was approved. */
export function describeChanges(
  approved: ReviewSubject,
  found: Readonly<Record<keyof ReviewSubject, string | undefined>>,
): readonly string[] {
  return (Object.keys(subjectNames) as (keyof ReviewSubject)[])
    .filter((part) => found[part] !== approved[part])
    .map((part) => `${subjectNames[part]} (approved ${approved[part]}, found ${found[part] ?? 'nothing'})`);
}

export const subjectNames: Readonly<Record<keyof ReviewSubject, string>> = {
  weights: 'the weights',
  prompt: "the prompt version's text",
  evaluationSet: 'the evaluation set',
  evidence: 'the evidence',
  code: "the Jobs' code or image",
};

/** All that decides what the endpoint will say, and on what grounds; every field is a digest. */
export interface ReviewSubject {
  readonly weights: string;
  /** Of the prompt version's text. */
  readonly prompt: string;
  /** Of the prepared data set, whose held-out part the models were measured on. */
  readonly evaluationSet: string;
  readonly evidence: string;
  /** Of the code or the image that the Jobs run. */
  readonly code: string;
}

/** What the reviewer is shown and answers to, and what was said so far. */
export interface ReviewRequest {
  /** Over the subject: a decision names it, and counts for nothing else. */
  readonly digest: string;
  readonly subject: ReviewSubject;
  readonly requester: string | undefined;
  readonly twoPersonRule: boolean;
  /** How many different people have to approve. */
  readonly approvals: number;
  /** Names, and roles as `role:NAME`; undefined where anyone may decide. */
  readonly reviewers?: readonly string[];
  /** ISO 8601, as every time here. */
  readonly since: string;
  readonly deadline: string;
  readonly escalatedAt?: string;
  readonly decisions: readonly Said<ReviewDecision>[];
  readonly comments: readonly Said<ReviewComment>[];
  readonly delegations: readonly Said<Delegation>[];
}

/** A review that is over, as it is kept. */
export interface ReviewRecord extends ReviewRequest {
  readonly outcome: 'approved' | 'rejected' | 'expired' | 'stale';
  readonly endedAt: string;
  /** What differed right before deploy from what was approved, as `describeChanges` says it. */
  readonly changes?: readonly string[];
}

type Said<T> = T & { readonly at: string };

/** What a person says of a candidate that the gate let through. */
export interface ReviewDecision {
  readonly decision: 'approve' | 'reject';
  /** Stated by whoever verified it, as all names and roles here: see docs/adr/0006-review.md. */
  readonly reviewer: string;
  readonly roles?: readonly string[];
  readonly digest: string;
  readonly comment?: string;
}

export interface ReviewComment {
  readonly author: string;
  readonly text: string;
}

/** From now on `to` decides, and `from` does not. */
export interface Delegation {
  readonly from: string;
  readonly roles?: readonly string[];
  readonly to: string;
}

/** One "no" rejects; undefined while too few have approved. */
export function outcomeOf({ decisions, approvals }: ReviewRequest): 'approved' | 'rejected' | undefined {
  if (decisions.some(({ decision }) => decision === 'reject')) return 'rejected';
  return decisions.length >= approvals ? 'approved' : undefined;
}

/** Who made the outcome what it is, in their order. */
export function decidedBy({ decisions }: ReviewRequest): string {
  const rejected = decisions.filter(({ decision }) => decision === 'reject');
  return (rejected.length > 0 ? rejected : decisions).map(({ reviewer }) => reviewer).join(', ');
}

/** Names that read the same are the same person, however they are written. */
export const sameName = (a: string, b: string | undefined): boolean => b !== undefined && plainName(a) === plainName(b);

/** One spelling for all that look alike: width, case, blanks, and characters that show nothing. */
export const plainName = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase();

/** Whether this person is one of those asked, by name, by role or because a colleague handed it over. */
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

/** What tells a role from a name in a list of reviewers. */
export const rolePrefix = 'role:';

/** What differs, in a few words for each; empty where everything is as it was approved. */
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

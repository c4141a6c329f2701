import { z } from 'zod';
import { digestOf, digestOfText } from '../digest.ts';
import type { Evidence } from '../gate/evidence.ts';
import type { JobStage, OutputOf } from '../job/stages.ts';
import { outcomeOf, sameName, type ReviewRecord } from '../review/review.ts';
import { tags as tagNames } from './tracking.ts';

const texts = z.record(z.string(), z.string());

const auditSchema = z.strictObject({
  schema: z.literal(1),
  workflowId: z.string(),
  runId: z.string(),
  exportedAt: z.string(),
  /** From Temporal's history, in its order: the messages, activities and decisions of the lifecycle. */
  events: z.array(
    z.strictObject({
      at: z.string(),
      /** The person who sent the message, with a verified name; absent for events that no person caused. */
      who: z.string().optional(),
      what: z.string(),
      /** Digests of the inputs or the results of the event. */
      digests: texts.optional(),
      detail: z.unknown().optional(),
    }),
  ),
  /** The unchanged documents from MLflow. */
  documents: z.record(z.string(), z.strictObject({ digest: z.string(), text: z.string() })),
  runTags: texts,
  version: z.strictObject({ name: z.string(), version: z.string(), tags: texts }).optional(),
  /** Digest of all other fields. A person who noted it can later prove that nothing was changed. */
  digest: z.string(),
});

/** Everything known about one lifecycle, in one file that can be checked without any server. */
export type Audit = z.output<typeof auditSchema>;
export type AuditEvent = Audit['events'][number];

export const sealAudit = (facts: Omit<Audit, 'digest'>): Audit => ({ ...facts, digest: digestOf(facts) });

/** Returns one sentence for each contradiction in the export; empty if there is none. */
export function findAuditProblems(raw: unknown): readonly string[] {
  const parsed = auditSchema.safeParse(raw);
  if (!parsed.success)
    return [
      `It is not an audit export: ${parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ')}.`,
    ];
  const audit = parsed.data;
  const { digest, ...facts } = audit;
  const changed = Object.entries(audit.documents).filter(
    ([, document]) => digestOfText(document.text) !== document.digest,
  );
  return [
    ...differ('the export', digest, digestOf(facts)),
    ...changed.map(([name]) => `${name} is not what its digest says.`),
    ...(changed.length > 0 ? [] : findContradictions(audit)),
  ];
}

/** Digests of the outputs of the stages, by the names in the stage table. */
type Produced = Readonly<Partial<Record<OutputOf<JobStage>, string>>>;

function findContradictions({ events, documents, version }: Audit): readonly string[] {
  const produced = Object.assign(
    {},
    ...events.filter(({ what }) => what.startsWith('stage ')).map(({ digests }) => digests),
  ) as Produced;
  const evidence = read<Evidence>('evidence.json');
  const review = read<ReviewRecord>('review.json');
  const release = read<{ weights: { digest: string } }>('release.json');
  return [
    ...differ('evidence.json', produced.evidence, documents['evidence.json']?.digest),
    ...differ('the model that the evidence is about', produced.model, evidence?.models.candidate?.digest),
    ...differ('the set that it was measured on', produced.dataset, evidence?.dataset.digest),
    ...differ('the weights that were released', produced.model, release?.weights.digest),
    ...differ("the version's weights", produced.model, version?.tags[tagNames.weightsDigest]),
    ...differ("the version's evidence", produced.evidence, version?.tags[tagNames.evidenceDigest]),
    ...(review ? findReviewContradictions(review, { ...produced, prompt: documents['prompt.txt']?.digest }) : []),
    ...(review ? findUnheard(review, events) : []),
  ];

  function read<T>(name: string): T | undefined {
    const document = documents[name];
    return document && (JSON.parse(document.text) as T);
  }
}

function findReviewContradictions(
  review: ReviewRecord,
  produced: Produced & { readonly prompt: string | undefined },
): readonly string[] {
  const { digest, subject, decisions, requester, twoPersonRule, outcome } = review;
  return [
    ...differ('what was under review', digest, digestOf(subject)),
    ...differ('the weights under review', produced.model, subject.weights),
    ...differ('the evaluation set under review', produced.dataset, subject.evaluationSet),
    ...differ('the evidence under review', produced.evidence, subject.evidence),
    ...differ('the prompt under review', produced.prompt, subject.prompt),
    ...decisions.flatMap(({ reviewer, digest: named }) => differ(`what ${reviewer} decided on`, digest, named)),
    ...decisions.flatMap(({ reviewer }) =>
      twoPersonRule && sameName(reviewer, requester)
        ? [`${reviewer} asked for it and reviewed it, against the two-person rule.`]
        : [],
    ),
    ...((outcome === 'approved' || outcome === 'stale') && outcomeOf(review) !== 'approved'
      ? ['It counts as approved, and the decisions do not make it so.']
      : []),
  ];
}

/**
 * Compares MLflow's record with Temporal's history, because others can write to MLflow but nobody can change a history.
 */
function findUnheard({ decisions }: ReviewRecord, events: readonly AuditEvent[]): readonly string[] {
  const accepted = events
    .filter(({ what }) => what === 'review')
    .map(({ who = '', digests }) => `${who} on ${digests?.['review'] ?? 'nothing'}`);
  const kept = decisions.map(({ reviewer, digest }) => `${reviewer} on ${digest}`);
  return [
    ...kept
      .filter((decision) => !accepted.includes(decision))
      .map((decision) => `review.json has a decision of ${decision}, which the history does not know.`),
    ...accepted
      .filter((decision) => !kept.includes(decision))
      .map((decision) => `The history has a decision of ${decision}, which review.json does not know.`),
  ];
}

/** Reports nothing if one of the two is undefined, for example because the lifecycle ended early. */
const differ = (what: string, expected: string | undefined, found: string | undefined): readonly string[] =>
  expected === undefined || found === undefined || expected === found
    ? []
    : [`${what}: expected ${expected}, found ${found}.`];

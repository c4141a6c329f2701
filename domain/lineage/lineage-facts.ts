import type { Verdict } from '../gate/gate.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import { outputOf, type LifecycleInputs, type StageOutputs } from '../lifecycle/lifecycle.ts';
import type { LineageFacts, RegisteredFacts } from './lineage.ts';
import type { ReviewRecord } from '../review/review.ts';
import { tags as tagNames, type RegisteredVersion } from './tracking.ts';

/** Reads the facts of a model version from its tags. */
export function factsOfVersion({ name, version, runId, tags, aliases }: RegisteredFacts): LineageFacts {
  const tag = (key: keyof typeof tagNames): string | undefined => tags[tagNames[key]];
  const reviewer = tag('reviewer');
  return {
    data: { name: tag('data'), digest: tag('dataDigest') },
    prompt: { name: tag('promptVersion') },
    'base model': { name: tag('baseModel'), digest: tag('baseModelDigest') },
    code: { name: tag('codeRevision'), digest: tag('codeDigest') },
    dataset: { digest: tag('datasetDigest') },
    run: { name: runId || undefined },
    weights: { name: tag('weightsUri'), digest: tag('weightsDigest') },
    evidence: { name: tag('verdict'), digest: tag('evidenceDigest') },
    review: { name: reviewer === undefined ? undefined : `approved by ${reviewer}`, digest: tag('reviewDigest') },
    version: { name: `${name}/${version}${aliases.length > 0 ? ` (${aliases.join(', ')})` : ''}` },
    endpoint: { name: tag('endpoint') },
  };
}

/** The progress of a lifecycle, as far as its lineage needs it. */
export interface LifecycleDone {
  readonly spec?: LifecycleSpec;
  readonly inputs?: LifecycleInputs;
  readonly champion?: RegisteredVersion;
  readonly stages: readonly StageOutputs[];
  readonly gate?: Verdict;
  readonly review?: ReviewSoFar;
  readonly version?: string;
  readonly endpoint?: string;
}

/** A review that was requested from people; it is open while it has no outcome. */
export interface ReviewSoFar {
  readonly digest: string;
  readonly outcome?: ReviewRecord['outcome'] | undefined;
  /** The people whose decisions led to the outcome. */
  readonly by?: string | undefined;
}

/** The facts of a lifecycle so far. Its candidate may be promoted, refused, or not decided yet. */
export function factsOfLifecycle(done: LifecycleDone): LineageFacts {
  const { spec, inputs, champion, stages, gate, version, endpoint } = done;
  const [dataset, weights, evidence] = ['dataset', 'model', 'evidence'].map((name) => outputOf(stages, name));
  // A champion with the candidate's own weights is left out, because evaluate does not compare equal weights.
  const compared = champion?.weights.digest === weights?.digest ? undefined : champion;
  return {
    ...(spec && inputs ? factsOfInputs(spec, inputs) : {}),
    dataset: { digest: dataset?.digest },
    champion: { name: compared && `${spec?.model ?? 'model'}/${compared.version}`, digest: compared?.weights.digest },
    weights: { name: weights?.uri, digest: weights?.digest },
    evidence: {
      name: evidence && (gate ? `gate ${gate.passed ? 'passed' : 'failed'}` : 'not judged yet'),
      digest: evidence?.digest,
    },
    review: { name: reviewOf(done), digest: done.review?.digest },
    version: { name: version && `${spec?.model ?? 'model'}/${version}` },
    endpoint: { name: endpoint },
  };
}

const factsOfInputs = (
  spec: LifecycleSpec,
  { runId, data, prompt, baseModel, codeRevision, codeDigest }: LifecycleInputs,
): LineageFacts => ({
  data: { name: spec.data.path, digest: data.digest },
  prompt: { name: `${prompt.name}/${prompt.version}` },
  'base model': { name: spec.baseModel, digest: baseModel.digest },
  code: { name: codeRevision, digest: codeDigest },
  run: { name: runId },
});

/** Undefined if no review was requested and no version was registered. */
function reviewOf({ review, version }: LifecycleDone): string | undefined {
  if (review) return review.outcome === undefined ? 'awaited' : inWords(review.outcome, review.by);
  return version === undefined ? undefined : 'approved by gate';
}

function inWords(outcome: ReviewRecord['outcome'], by = 'nobody'): string {
  switch (outcome) {
    case 'expired':
      return 'expired';
    case 'stale':
      return `approved by ${by}, stale since`;
    default:
      return `${outcome} by ${by}`;
  }
}

import type { Verdict } from '../gate/gate.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import { outputOf, type LifecycleInputs, type StageOutputs } from '../lifecycle/lifecycle.ts';
import type { LineageFacts, RegisteredFacts } from './lineage.ts';
import type { ReviewRecord } from '../review/review.ts';
import { tags as tagNames, type RegisteredVersion } from './tracking.ts';

/** What is known of a model version by its tags alone. */
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

/** What a lifecycle did so far, as much as a lineage tells of it. */
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

/** A review that people were asked for; without an outcome it is open. */
export interface ReviewSoFar {
  readonly digest: string;
  readonly outcome?: ReviewRecord['outcome'] | undefined;
  /** Who made the outcome what it is. */
  readonly by?: string | undefined;
}

/** As far as a lifecycle has come, whether its candidate was promoted, was refused, or is still waited for. */
export function factsOfLifecycle(done: LifecycleDone): LineageFacts {
  const { spec, inputs, champion, stages, gate, version, endpoint } = done;
  const [dataset, weights, evidence] = ['dataset', 'model', 'evidence'].map((name) => outputOf(stages, name));
  // One with the candidate's own weights was not compared with them.
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

/** Undefined where nobody was asked and nothing was registered. */
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

import type { Evidence } from '../domain/gate/evidence.ts';
import type { Verdict } from '../domain/gate/gate.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import { toHtml, toMarkdown } from '../domain/report/document.ts';
import { modelCard } from '../domain/gate/model-card.ts';
import type { Release } from '../domain/endpoint/release.ts';
import type { ReleaseTerms } from '../domain/endpoint/roll-out.ts';
import { decidedBy, type ReviewRecord } from '../domain/review/review.ts';
import { tags, type RegisteredVersion } from '../domain/lineage/tracking.ts';
import { digestOfSettings } from '../domain/lifecycle/unchanged.ts';
import type { Dependencies } from './dependencies.ts';
import type { ExecutionIdentity } from './lifecycle-record.ts';

export interface ApprovedCandidate {
  readonly spec: LifecycleSpec;
  readonly inputs: LifecycleInputs;
  readonly execution: ExecutionIdentity;
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Artifact;
  /** The table of attacks; undefined if the attack suite did not run. */
  readonly attacks?: Artifact | undefined;
  /** Undefined if the gate alone decided. */
  readonly review?: ReviewRecord | undefined;
  readonly verdict?: Verdict | undefined;
}

export const createReleaseActivities = ({ tracking, artifacts }: Pick<Dependencies, 'tracking' | 'artifacts'>) => ({
  findChampion: (model: string): Promise<RegisteredVersion | undefined> => tracking.findAlias(model, 'champion'),

  /**
   * Registers the weights as a model version with its lineage, and writes the model card to the run. Idempotent by the
   * digest of the weights.
   */
  async registerVersion({
    spec,
    inputs,
    execution,
    weights,
    dataset,
    evidence,
    attacks,
    review,
    verdict,
  }: ApprovedCandidate): Promise<string> {
    const version = await tracking.registerVersion({
      model: spec.model,
      runId: inputs.runId,
      weights,
      description: `${spec.baseModel}, tuned by ${spec.tune.method} on ${spec.data.path}`,
      tags: {
        [tags.workflowId]: execution.workflowId,
        [tags.codeRevision]: inputs.codeRevision,
        [tags.codeDigest]: inputs.codeDigest,
        [tags.data]: spec.data.path,
        [tags.dataDigest]: inputs.data.digest,
        [tags.datasetDigest]: dataset.digest,
        [tags.promptVersion]: `${inputs.prompt.name}/${inputs.prompt.version}`,
        [tags.baseModel]: spec.baseModel,
        [tags.baseModelDigest]: inputs.baseModel.digest,
        [tags.specDigest]: digestOfSettings(spec, inputs),
        [tags.evidenceDigest]: evidence.digest,
        [tags.verdict]: 'gate passed',
        [tags.releaseTerms]: JSON.stringify({ spec, dataset, runId: inputs.runId, attacks } satisfies ReleaseTerms),
        ...(review ? tagsOf(review) : { [tags.reviewer]: 'gate' }),
      },
    });
    const measured = JSON.parse(await artifacts.readText(evidence.uri)) as Evidence;
    const facts = {
      version,
      workflowId: execution.workflowId,
      spec,
      inputs,
      weights,
      dataset,
      evidence: measured,
      evidenceDigest: evidence.digest,
    };
    const card = modelCard({ ...facts, verdict, review });
    await tracking.putText(inputs.runId, 'model-card.md', toMarkdown(card));
    await tracking.putText(inputs.runId, 'model-card.html', toHtml(card));
    await tracking.setAlias(spec.model, 'candidate', version);
    return version;
  },

  async recordRelease(runId: string, release: Release): Promise<void> {
    await tracking.putText(runId, 'release.json', `${JSON.stringify(release, null, 2)}\n`);
    await tracking.setVersionTags(release.model, release.version, { [tags.endpoint]: release.endpoint });
  },
});

/** The tags for the reviewers, their comments, and the whole review. */
function tagsOf(review: ReviewRecord): Readonly<Record<string, string>> {
  const comments = review.decisions.flatMap(({ reviewer, comment }) =>
    comment ? [review.decisions.length > 1 ? `${reviewer}: ${comment}` : comment] : [],
  );
  const whole = JSON.stringify(review);
  return {
    [tags.reviewer]: decidedBy(review),
    [tags.reviewDigest]: review.digest,
    [tags.review]: whole.length <= maximumTagCharacters ? whole : JSON.stringify({ ...review, comments: [] }),
    ...(comments.length === 0 ? {} : { [tags.reviewComment]: comments.join('\n') }),
  };
}

/** The longest tag of a version that MLflow stores; the run's review.json has everything. */
const maximumTagCharacters = 100_000;

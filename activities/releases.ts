import type { Evidence } from '../domain/evidence.ts';
import type { Verdict } from '../domain/gate.ts';
import type { Artifact } from '../domain/job.ts';
import type { LifecycleSpec } from '../domain/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle.ts';
import { toHtml, toMarkdown } from '../domain/document.ts';
import { modelCard } from '../domain/model-card.ts';
import type { Release, ServedRelease } from '../domain/release.ts';
import type { ReleaseTerms } from '../domain/roll-out.ts';
import { decidedBy, type ReviewDecision, type ReviewRecord } from '../domain/review.ts';
import { tags, type RegisteredVersion } from '../domain/tracking.ts';
import { digestOfSettings } from '../domain/unchanged.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';
import type { ExecutionIdentity } from './lifecycle-record.ts';
import { heldOutPrompts, prepareApproved } from './prepare-release.ts';

export interface ApprovedCandidate {
  readonly spec: LifecycleSpec;
  readonly inputs: LifecycleInputs;
  readonly execution: ExecutionIdentity;
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Artifact;
  /** Where it was tried with attacks. */
  readonly attacks?: Artifact;
  /** Undefined where the gate alone decided. */
  readonly review?: ReviewRecord;
  /** Of an execution from before there were records. */
  readonly decision?: ReviewDecision;
  readonly verdict?: Verdict;
}

export const createReleaseActivities = ({ tracking, artifacts, endpoints }: Pick<Dependencies, 'tracking' | 'artifacts' | 'endpoints'>) => ({
  findChampion: (model: string): Promise<RegisteredVersion | undefined> => tracking.findAlias(model, 'champion'),

  /** The model version of these weights, with its lineage, and the model card with the run. Idempotent by the weights' digest. */
  async registerVersion({ spec, inputs, execution, weights, dataset, evidence, attacks, review, decision, verdict }: ApprovedCandidate): Promise<string> {
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
        [tags.releaseTerms]: JSON.stringify({ spec, dataset, runId: inputs.runId, ...(attacks ? { attacks } : {}) } satisfies ReleaseTerms),
        [tags.reviewer]: decision?.reviewer ?? 'gate',
        ...(decision?.comment ? { [tags.reviewComment]: decision.comment } : {}),
        ...(review ? tagsOf(review) : {}),
      },
    });
    const measured = JSON.parse(await artifacts.readText(evidence.uri)) as Evidence;
    const facts = { version, workflowId: execution.workflowId, spec, inputs, weights, dataset, evidence: measured, evidenceDigest: evidence.digest };
    const card = modelCard({ ...facts, ...(verdict ? { verdict } : {}), ...(review ? { review } : {}) });
    await tracking.putText(inputs.runId, 'model-card.md', toMarkdown(card));
    await tracking.putText(inputs.runId, 'model-card.html', toHtml(card));
    await tracking.setAlias(spec.model, 'candidate', version);
    return version;
  },

  /** This and `releaseVersion` are for lifecycles that began before endpoints had an execution of their own: activities/endpoint.ts. */
  prepareRelease: (release: Release, dataset: Artifact): Promise<void> =>
    whileBeating(async () => prepareApproved({ artifacts, endpoints }, release, { smokePrompt: (await heldOutPrompts(artifacts, dataset.uri, 1))[0] ?? '' })),

  /** Traffic and aliases, in that order: `champion` never names a version that did not serve. */
  async releaseVersion(release: Release): Promise<ServedRelease> {
    const before = await tracking.findAlias(release.model, 'champion');
    const { url } = await endpoints.setTraffic(release.endpoint, [{ release, percent: 100 }]);
    if (before && before.version !== release.version) await tracking.setAlias(release.model, 'previous', before.version);
    await tracking.setAlias(release.model, 'champion', release.version);
    await tracking.removeAlias(release.model, 'candidate');
    await endpoints.retireIdle(release.endpoint);
    return { ...release, url };
  },

  async recordRelease(runId: string, { url: _address, ...release }: ServedRelease): Promise<void> {
    await tracking.putText(runId, 'release.json', `${JSON.stringify(release, null, 2)}\n`);
    await tracking.setVersionTags(release.model, release.version, { [tags.endpoint]: release.endpoint });
  },
});

/** Who approved, in which words, and the whole of it. */
function tagsOf(review: ReviewRecord): Readonly<Record<string, string>> {
  const comments = review.decisions.flatMap(({ reviewer, comment }) => (comment ? [review.decisions.length > 1 ? `${reviewer}: ${comment}` : comment] : []));
  const whole = JSON.stringify(review);
  return {
    [tags.reviewer]: decidedBy(review),
    [tags.reviewDigest]: review.digest,
    [tags.review]: whole.length <= maximumTagCharacters ? whole : JSON.stringify({ ...review, comments: [] }),
    ...(comments.length === 0 ? {} : { [tags.reviewComment]: comments.join('\n') }),
  };
}

/** MLflow keeps no longer tag of a version; the run's review.json has everything. */
const maximumTagCharacters = 100_000;

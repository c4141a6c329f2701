import { digestOf, digestOfDataset, digestOfText } from '../domain/digest.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import { decidedBy, describeChanges, type ReviewRecord, type ReviewSubject } from '../domain/review/review.ts';
import { tags } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';

/** A candidate that passed the gate, with the data set that it was measured on. */
export interface CandidateForReview {
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Artifact;
  readonly prompt: LifecycleInputs['prompt'];
}

export function createReviewActivities({
  tracking,
  artifacts,
  workspace,
}: Pick<Dependencies, 'tracking' | 'artifacts' | 'workspace'>) {
  const digestOfWhatIsThere = async ({ uri }: Pick<Artifact, 'uri'>): Promise<string | undefined> =>
    (await artifacts.exists(uri)) ? artifacts.digest(uri) : undefined;

  async function digestOfExamples({ uri }: Artifact): Promise<string | undefined> {
    const [train, heldOut] = await Promise.all(
      ['train.jsonl', 'heldout.jsonl'].map((name) => digestOfWhatIsThere({ uri: `${uri}/${name}` })),
    );
    return train && heldOut && digestOfDataset(train, heldOut);
  }

  return {
    /** Returns the subject of a review, as the stages reported it, and its digest, which every decision must name. */
    openReview({
      weights,
      dataset,
      evidence,
      prompt,
    }: CandidateForReview): Promise<{ readonly subject: ReviewSubject; readonly digest: string }> {
      const subject: ReviewSubject = {
        weights: weights.digest,
        prompt: digestOfText(prompt.template),
        evaluationSet: dataset.digest,
        evidence: evidence.digest,
        // The current code, not the code at the lifecycle's start: if the worker was updated, the evidence comes from
        // the new code.
        code: workspace.codeDigest,
      };
      return Promise.resolve({ subject, digest: digestOf(subject) });
    },

    /**
     * Reads everything again from its storage, and lists the differences from the approved subject. Changes nothing.
     */
    verifySubject(
      { weights, dataset, evidence, prompt }: CandidateForReview,
      approved: ReviewSubject,
    ): Promise<readonly string[]> {
      return whileBeating(async () => {
        const text = await tracking.readPrompt(prompt.name, prompt.version);
        return describeChanges(approved, {
          weights: await digestOfWhatIsThere(weights),
          prompt: text === undefined ? undefined : digestOfText(text),
          evaluationSet: await digestOfExamples(dataset),
          evidence: await digestOfWhatIsThere(evidence),
          code: workspace.codeDigest,
        });
      });
    },

    /** Writes the whole record of an ended review to the run. Idempotent. */
    async closeReview(runId: string, record: ReviewRecord): Promise<void> {
      await tracking.putText(runId, 'review.json', `${JSON.stringify(record, null, 2)}\n`);
      const reviewer = decidedBy(record);
      await tracking.setTags(runId, {
        [tags.review]: record.outcome,
        [tags.reviewDigest]: record.digest,
        ...(reviewer ? { [tags.reviewer]: reviewer } : {}),
      });
    },
  };
}

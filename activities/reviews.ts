import { digestOf, digestOfDataset, digestOfText } from '../domain/digest.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import { decidedBy, describeChanges, type ReviewRecord, type ReviewSubject } from '../domain/review/review.ts';
import { tags } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { whileBeating } from './heartbeats.ts';

/** What the gate let through, and what it was measured on. */
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
    /** What a reviewer says yes or no to, as the stages reported it, and the one digest that a decision names. */
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
        // Of now, not of when the lifecycle began: a worker that was updated since has measured with the new code.
        code: workspace.codeDigest,
      };
      return Promise.resolve({ subject, digest: digestOf(subject) });
    },

    /** Reads everything back from where it lies; empty if it is what was approved. Changes nothing. */
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

    /** Keeps a review that is over, whole, with the run. Idempotent. */
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

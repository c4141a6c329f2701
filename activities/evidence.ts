import { ApplicationFailure } from '@temporalio/activity';
import { digestOfText } from '../domain/digest.ts';
import { evidenceOn, type Evidence } from '../domain/gate/evidence.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { Metric } from '../domain/spec/gate-rules.ts';
import type { Dependencies } from './dependencies.ts';

export const createEvidenceActivities = ({ artifacts }: Pick<Dependencies, 'artifacts'>) => ({
  /** Returns the evidence on these metrics. Fails if its digest is not the one that the evaluate stage reported. */
  async readEvidence({ uri, digest }: Artifact, metrics: readonly Metric[]): Promise<Evidence> {
    const text = await artifacts.readText(uri);
    if (digestOfText(text) === digest) return evidenceOn(metrics, JSON.parse(text) as Evidence);
    throw ApplicationFailure.nonRetryable(
      `The evidence at ${uri} is not the one that was reported: its digest differs.`,
      'BadEvidence',
    );
  },
});

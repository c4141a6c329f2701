import { ApplicationFailure } from '@temporalio/activity';
import { digestOfText } from '../domain/digest.ts';
import type { Evidence } from '../domain/evidence.ts';
import type { Artifact } from '../domain/job.ts';
import type { Dependencies } from './dependencies.ts';

export const createEvidenceActivities = ({ artifacts }: Pick<Dependencies, 'artifacts'>) => ({
  /** The evidence, if it is the one that the evaluate stage reported. */
  async readEvidence({ uri, digest }: Artifact): Promise<Evidence> {
    const text = await artifacts.readText(uri);
    if (digestOfText(text) === digest) return JSON.parse(text) as Evidence;
    throw ApplicationFailure.nonRetryable(`The evidence at ${uri} is not the one that was reported: its digest differs.`, 'BadEvidence');
  },
});

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../domain/gate.ts';
import type { Artifact } from '../domain/job.ts';
import type { LifecycleSpec } from '../domain/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle.ts';
import type { ReviewDecision } from '../domain/review.ts';
import { tags, type RunStatus } from '../domain/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { digestOfReference, must, resolveBaseModel, resolveData, resolveFile, resolveHarnessTasks, type Resolved } from './references.ts';

export interface ExecutionIdentity {
  readonly workflowId: string;
  readonly firstExecutionRunId: string;
}

export function createRecordActivities({ tracking, artifacts, workspace }: Pick<Dependencies, 'tracking' | 'artifacts' | 'workspace'>) {
  /** Data is copied, for people edit it while a lifecycle runs; weights are large, and nobody edits them. */
  async function fix(resolved: Resolved, how: 'copy' | 'digest'): Promise<Artifact> {
    const uri = must(resolved);
    return how === 'copy' && uri.startsWith('file:') ? artifacts.keep(uri) : { uri, digest: await digestOfReference(uri, artifacts) };
  }

  return {
    /** Fixes what the lifecycle works from, by digest, and opens its run in MLflow. */
    async openLifecycle(spec: LifecycleSpec, execution: ExecutionIdentity): Promise<LifecycleInputs> {
      const data = await fix(await resolveData(spec.data.path, workspace), 'copy');
      const baseModel = await fix(await resolveBaseModel(spec.baseModel, workspace), 'digest');
      const ownTasks = await resolveHarnessTasks(spec, workspace);
      const harnessTasks = ownTasks && (await fix(ownTasks, 'copy'));
      const template = (await readFile(fileURLToPath(must(await resolveFile(spec.prompt.path, 'prompt.path', workspace))), 'utf8')).trimEnd();
      const promptVersion = await tracking.registerPrompt(spec.prompt.name, template);
      const { codeDigest, codeRevision, cluster: { gpusPerNode = 0 } = {} } = workspace;
      const runId = await tracking.openRun({
        experiment: spec.model,
        name: execution.workflowId,
        key: { key: tags.executionKey, value: `${execution.workflowId}/${execution.firstExecutionRunId}` },
        tags: {
          [tags.workflowId]: execution.workflowId,
          [tags.codeRevision]: codeRevision,
          [tags.codeDigest]: codeDigest,
          [tags.dataDigest]: data.digest,
          [tags.promptVersion]: `${spec.prompt.name}/${promptVersion}`,
          [tags.baseModel]: spec.baseModel,
          [tags.baseModelDigest]: baseModel.digest,
        },
      });
      await tracking.putText(runId, 'spec.json', `${JSON.stringify(spec, null, 2)}\n`);
      return { runId, data, baseModel, prompt: { name: spec.prompt.name, version: promptVersion, template }, codeDigest, codeRevision, ...(harnessTasks ? { harnessTasks } : {}), ...(gpusPerNode > 1 ? { gpusPerNode } : {}) };
    },

    async recordVerdict(runId: string, verdict: Verdict): Promise<void> {
      await tracking.putText(runId, 'verdict.json', `${JSON.stringify(verdict, null, 2)}\n`);
      await tracking.setTags(runId, { [tags.verdict]: verdict.passed ? 'gate passed' : 'gate failed' });
    },

    async recordReview(runId: string, decision: ReviewDecision, evidence: Artifact): Promise<void> {
      await tracking.putText(runId, 'review.json', `${JSON.stringify({ ...decision, evidenceDigest: evidence.digest }, null, 2)}\n`);
      await tracking.setTags(runId, { [tags.reviewer]: decision.reviewer, [tags.reviewDigest]: decision.digest });
    },

    async closeLifecycle(runId: string, status: RunStatus, verdict?: string): Promise<void> {
      if (verdict !== undefined) await tracking.setTags(runId, { [tags.verdict]: verdict });
      await tracking.endRun(runId, status);
    },
  };
}

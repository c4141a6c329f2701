import type { Verdict } from '../domain/gate/gate.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import { traceTags } from '../domain/job/job-trace.ts';
import { tags, type RunStatus } from '../domain/lineage/tracking.ts';
import type { Dependencies } from './dependencies.ts';
import { readInputs } from './inputs.ts';

export interface ExecutionIdentity {
  readonly workflowId: string;
  readonly firstExecutionRunId: string;
}

export function createRecordActivities({
  tracking,
  artifacts,
  workspace,
  traceparent = () => undefined,
}: Pick<Dependencies, 'tracking' | 'artifacts' | 'workspace' | 'traceparent'>) {
  return {
    /** Fixes the inputs of the lifecycle by digest, and opens its run in MLflow. */
    async openLifecycle(spec: LifecycleSpec, execution: ExecutionIdentity): Promise<LifecycleInputs> {
      const inputs = await readInputs(spec, workspace, {
        copied: (uri) => artifacts.keep(uri),
        digest: (uri) => artifacts.digest(uri),
        promptVersion: (name, template) => tracking.registerPrompt(name, template),
      });
      const { data, baseModel, prompt, codeDigest, codeRevision } = inputs;
      const runId = await tracking.openRun({
        experiment: spec.model,
        name: execution.workflowId,
        key: { key: tags.executionKey, value: `${execution.workflowId}/${execution.firstExecutionRunId}` },
        tags: {
          [tags.workflowId]: execution.workflowId,
          [tags.codeRevision]: codeRevision,
          [tags.codeDigest]: codeDigest,
          [tags.dataDigest]: data.digest,
          [tags.promptVersion]: `${prompt.name}/${prompt.version}`,
          [tags.baseModel]: spec.baseModel,
          [tags.baseModelDigest]: baseModel.digest,
          ...traceTags(traceparent()),
        },
      });
      await tracking.putText(runId, 'spec.json', `${JSON.stringify(spec, null, 2)}\n`);
      return { runId, ...inputs };
    },

    async recordVerdict(runId: string, verdict: Verdict): Promise<void> {
      await tracking.putText(runId, 'verdict.json', `${JSON.stringify(verdict, null, 2)}\n`);
      await tracking.setTags(runId, { [tags.verdict]: verdict.passed ? 'gate passed' : 'gate failed' });
    },

    async closeLifecycle(runId: string, status: RunStatus, verdict?: string): Promise<void> {
      if (verdict !== undefined) await tracking.setTags(runId, { [tags.verdict]: verdict });
      await tracking.endRun(runId, status);
    },
  };
}

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { examineSpec } from '../../activities/check-spec.ts';
import type { Workspace } from '../../activities/dependencies.ts';
import { readInputs } from '../../activities/inputs.ts';
import { createUnchangedActivities } from '../../activities/unchanged.ts';
import { digestOfText } from '../../domain/digest.ts';
import type { JobStage } from '../../domain/job/stages.ts';
import { checkLifecycleSpec, type Problem } from '../../domain/spec/explain-spec.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../../domain/lifecycle/lifecycle.ts';
import { changesBetween, type Change } from '../../domain/spec/spec-changes.ts';
import type { RefusedBefore } from '../../domain/lifecycle/unchanged.ts';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import type { Mlflow } from '../../mlflow/index.ts';
import { createTracking } from '../../mlflow/tracking.ts';
import { rootPaths } from '../cli/spec-paths.ts';
import { openBase, type Base } from './base.ts';
import { estimateStages, type Estimate } from './estimate.ts';
import { planStages, type PlannedStage } from './stages.ts';

export interface PlanRequest {
  /** Of the spec's file, and what it holds. */
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly root: string | undefined;
  readonly requester: string;
  /** A revision of Git to hold it against. */
  readonly against: string | undefined;
}

export interface PlanParts {
  readonly workspace: Workspace;
  readonly mlflow: Mlflow;
  /** Where the worker keeps what Jobs left. */
  readonly artifacts: string;
}

export type Plan = { readonly ok: false; readonly problems: readonly Problem[] } | ({ readonly ok: true } & Planned);

export interface Planned {
  readonly spec: LifecycleSpec;
  readonly inputs: Omit<LifecycleInputs, 'runId'>;
  readonly changes: { readonly revision: string; readonly fields: readonly Change[] | 'new' } | undefined;
  /** Undefined where this machine does not see what Jobs left. */
  readonly stages: readonly PlannedStage[] | undefined;
  readonly estimates: Readonly<Partial<Record<JobStage, Estimate>>>;
  readonly champion: string | undefined;
  /** What keeps the lifecycle from doing anything: the version that serves, or one that was refused. */
  readonly unchanged?: string | RefusedBefore;
}

/** A version that MLflow does not have yet: numbers are its own, so no stage was ever done with this one. */
export const newVersion = 'new';

/** What a lifecycle with this spec would do. Starts nothing, writes nothing, and reads MLflow alone. */
export async function planLifecycle(
  request: PlanRequest,
  { workspace, mlflow, artifacts: folder }: PlanParts,
): Promise<Plan> {
  const { content, root, requester, against } = request;
  const checked = await examineSpec({ requester, ...rootPaths(content, root) }, workspace);
  if (!checked.ok) return checked;
  const { spec } = checked;
  const [tracking, artifacts] = [createTracking(mlflow), createLocalArtifactStore(folder)];
  const inputs = await readInputs(spec, workspace, {
    copied: (uri) => artifacts.wouldKeep(uri),
    digest: (uri) => artifacts.digest(uri),
    promptVersion: async (name, template) => (await tracking.findPrompt(name, template)) ?? newVersion,
  });
  const estimates = await estimateStages(spec, mlflow);
  const unchanged =
    spec.skip === 'whenUnchanged'
      ? await createUnchangedActivities({ tracking, artifacts, workspace }).findUnchanged(spec)
      : undefined;
  const isBlind = !existsSync(folder) && Object.keys(estimates).length > 0;
  return {
    ok: true,
    spec,
    inputs,
    changes:
      against === undefined
        ? undefined
        : await changesSince(await openBase(against, resolve(request.path)), request, inputs, workspace),
    stages: isBlind ? undefined : await planStages(spec, { runId: '', ...inputs }, { tracking, artifacts }),
    estimates,
    champion: (await tracking.findAlias(spec.model, 'champion'))?.version,
    unchanged,
  };
}

/** The fields, and what the files that they name hold. */
async function changesSince(
  base: Base,
  { path, content, root, requester }: PlanRequest,
  inputs: Planned['inputs'],
  workspace: Workspace,
): Promise<Planned['changes']> {
  const before = parse(await base.readText(resolve(path)));
  if (before === undefined) return { revision: base.revision, fields: 'new' };
  const fileOf = (part: 'data' | 'prompt'): string | undefined => {
    const named = (before[part] as { path?: unknown } | undefined)?.path;
    return typeof named === 'string' && !named.startsWith('hub:') ? resolve(root ?? workspace.root, named) : undefined;
  };
  const [data, prompt] = [fileOf('data'), fileOf('prompt')];
  const template = prompt === undefined ? undefined : await base.readText(prompt);
  const files = [
    ...(data === undefined ? [] : changesBetween(await base.digest(data), inputs.data.digest, 'data')),
    ...(template === undefined
      ? []
      : changesBetween(digestOfText(template.trimEnd()), digestOfText(inputs.prompt.template), 'prompt')),
  ];
  return {
    revision: base.revision,
    fields: [...changesBetween(whole({ requester, ...before }), whole({ requester, ...content })), ...files],
  };
}

/** With its defaults, where it is right: one that is written down changes nothing. */
function whole(spec: Readonly<Record<string, unknown>>): unknown {
  const checked = checkLifecycleSpec(spec);
  return checked.ok ? checked.spec : spec;
}

function parse(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

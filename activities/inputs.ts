import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { digestOfText } from '../domain/digest.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import type { Workspace } from './dependencies.ts';
import { must, resolveBaseModel, resolveData, resolveFile, resolveHarnessTasks, type Resolved } from './references.ts';

/** How what a spec names becomes what a lifecycle works from: kept and registered, or only looked at. */
export interface Fixing {
  /** Data and tasks, which people edit while a lifecycle runs. */
  readonly copied: (uri: string) => Promise<Artifact>;
  /** Of weights, which are large, and nobody edits. */
  readonly digest: (uri: string) => Promise<string>;
  readonly promptVersion: (name: string, template: string) => Promise<string>;
}

/** What a lifecycle with this spec works from, but for its run in MLflow. */
export async function readInputs(
  spec: LifecycleSpec,
  workspace: Workspace,
  { copied, digest, promptVersion }: Fixing,
): Promise<Omit<LifecycleInputs, 'runId'>> {
  /** A hub ID stands for itself: the hub keeps its revisions. */
  const fix = async (resolved: Resolved, how: (uri: string) => Promise<Artifact>): Promise<Artifact> => {
    const uri = must(resolved);
    return uri.startsWith('file:') ? how(uri) : { uri, digest: digestOfText(uri) };
  };
  const data = await fix(await resolveData(spec.data.path, workspace), copied);
  const baseModel = await fix(await resolveBaseModel(spec.baseModel, workspace), async (uri) => ({
    uri,
    digest: await digest(uri),
  }));
  const ownTasks = await resolveHarnessTasks(spec, workspace);
  const harnessTasks = ownTasks && (await fix(ownTasks, copied));
  const template = (
    await readFile(fileURLToPath(must(await resolveFile(spec.prompt.path, 'prompt.path', workspace))), 'utf8')
  ).trimEnd();
  const version = await promptVersion(spec.prompt.name, template);
  const { codeDigest, codeRevision, cluster: { gpusPerNode = 0 } = {} } = workspace;
  return {
    data,
    baseModel,
    prompt: { name: spec.prompt.name, version, template },
    codeDigest,
    codeRevision,
    harnessTasks,
    ...(gpusPerNode > 1 ? { gpusPerNode } : {}),
  };
}

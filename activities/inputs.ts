import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { digestOfText } from '../domain/digest.ts';
import type { Artifact } from '../domain/job/job.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../domain/lifecycle/lifecycle.ts';
import type { Workspace } from './dependencies.ts';
import { must, resolveBaseModel, resolveData, resolveFile, resolveHarnessTasks, type Resolved } from './references.ts';

/** Turns the references of a spec into inputs: either copies and registers them, or only computes their digests. */
export interface Fixing {
  /** For data and tasks, because people may edit them while a lifecycle runs. */
  readonly copied: (uri: string) => Promise<Artifact>;
  /** For weights: they are large, and nobody edits them. */
  readonly digest: (uri: string) => Promise<string>;
  readonly promptVersion: (name: string, template: string) => Promise<string>;
}

/** Returns the inputs of a lifecycle with this spec, without its run in MLflow. */
export async function readInputs(
  spec: LifecycleSpec,
  workspace: Workspace,
  { copied, digest, promptVersion }: Fixing,
): Promise<Omit<LifecycleInputs, 'runId'>> {
  /** A hub ID is used as it is, because the hub keeps its revisions. */
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

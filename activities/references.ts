import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { describeProblems, type Problem } from '../domain/spec/explain-spec.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { Workspace } from './dependencies.ts';

/** A reference of a spec, resolved; or what is wrong with it. */
export type Resolved = { readonly ok: true; readonly uri: string } | { readonly ok: false; readonly problem: Problem };

const packagedPrefix = 'packaged:';
const hubModelId = /^[\w.-]+\/[\w.-]+$/;

/** A file, or data on the hub, which is not looked up here. */
export async function resolveData(path: string, workspace: Workspace): Promise<Resolved> {
  return path.startsWith('hub:') ? { ok: true, uri: path } : resolveFile(path, 'data.path', workspace);
}

export const resolveFile = (path: string, field: string, workspace: Workspace): Promise<Resolved> =>
  resolvePath('file', path, field, workspace);

async function resolvePath(
  expected: 'file' | 'folder',
  path: string,
  field: string,
  { root }: Workspace,
): Promise<Resolved> {
  const full = resolve(root, path);
  const found = await stat(full).catch(() => undefined);
  const kind = found?.isDirectory() ? 'folder' : 'file';
  if (found && kind === expected) return { ok: true, uri: pathToFileURL(full).href };
  const what = found ? `is a ${kind}` : `does not exist (looked in ${isAbsolute(path) ? 'the root folder' : root})`;
  return { ok: false, problem: { path: field, message: `expected a ${expected}, but ${path} ${what}` } };
}

/** Where the spec names a folder with tasks of the team's own. */
export async function resolveHarnessTasks(
  { evaluate: { harness } }: LifecycleSpec,
  workspace: Workspace,
): Promise<Resolved | undefined> {
  return harness?.includePath === undefined
    ? undefined
    : resolvePath('folder', harness.includePath, 'evaluate.harness.includePath', workspace);
}

/** A folder in transformers format, a packaged model that `tuneline up` imported, or a hub ID, which is not looked up here. */
export async function resolveBaseModel(reference: string, workspace: Workspace): Promise<Resolved> {
  const folder = reference.startsWith(packagedPrefix)
    ? join(workspace.models, reference.slice(packagedPrefix.length))
    : resolve(workspace.root, reference);
  const apart = workspace.cluster && relative(workspace.models, folder).startsWith('..');
  if (!apart && (await isModelFolder(folder))) return { ok: true, uri: pathToFileURL(folder).href };
  if (hubModelId.test(reference)) return { ok: true, uri: reference };
  const hint = reference.startsWith(packagedPrefix)
    ? `no such packaged model was imported; packaged:SmolLM2-135M-Instruct is, by "tuneline up"`
    : `${reference} is neither a folder with a config.json${apart ? ` under ${workspace.models}, which the cluster's Jobs see,` : ''} nor a hub ID such as org/name`;
  return { ok: false, problem: { path: 'baseModel', message: `expected a model, but ${hint}` } };
}

/** The spec was checked, so what it names was there a moment ago. */
export function must(resolved: Resolved): string {
  if (resolved.ok) return resolved.uri;
  throw ApplicationFailure.nonRetryable(describeProblems([resolved.problem]), 'BadSpec', [resolved.problem]);
}

const isModelFolder = (folder: string): Promise<boolean> =>
  stat(join(folder, 'config.json')).then(
    (found) => found.isFile(),
    () => false,
  );

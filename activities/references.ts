import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { describeProblems, type Problem } from '../domain/spec/explain-spec.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { Workspace } from './dependencies.ts';

/** A resolved reference of a spec, or the problem with it. */
export type Resolved = { readonly ok: true; readonly uri: string } | { readonly ok: false; readonly problem: Problem };

const packagedPrefix = 'packaged:';
const hubModelId = /^[\w.-]+\/[\w.-]+$/;

/** Resolves a file. Data on the hub is accepted without a lookup. */
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

/** The folder with the team's own tasks, if the spec names one. */
export async function resolveHarnessTasks(
  { evaluate: { harness } }: LifecycleSpec,
  workspace: Workspace,
): Promise<Resolved | undefined> {
  return harness?.includePath === undefined
    ? undefined
    : resolvePath('folder', harness.includePath, 'evaluate.harness.includePath', workspace);
}

/**
 * Resolves a folder in transformers format or a packaged model that `tuneline up` imported. A hub ID is accepted
 * without a lookup.
 */
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

/** Requires a reference. It existed when the spec was checked, but it can have been removed since. */
export function must(resolved: Resolved): string {
  if (resolved.ok) return resolved.uri;
  throw ApplicationFailure.nonRetryable(describeProblems([resolved.problem]), 'BadSpec', [resolved.problem]);
}

const isModelFolder = (folder: string): Promise<boolean> =>
  stat(join(folder, 'config.json')).then(
    (found) => found.isFile(),
    () => false,
  );

import { readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkLifecycleSpec, type Problem } from '../domain/explain-spec.ts';
import { checkScheduleSpec } from '../domain/schedule-spec.ts';
import type { LifecycleSchedule } from '../workers/schedule-options.ts';
import { UserError } from './user-error.ts';

type Checked = { readonly ok: true; readonly schedule: LifecycleSchedule } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The schedules of files, and of folders of .json files. Throws one `UserError` for all that is wrong in any of them. */
export async function readSchedules(paths: readonly string[]): Promise<LifecycleSchedule[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const checked = await Promise.all(files.map(async (file) => ({ file, result: await readScheduleFile(file) })));
  const names = new Map<string, string>();
  const wrong = checked.flatMap(({ file, result }) => {
    if (!result.ok) return [{ file, problems: result.problems }];
    const other = names.get(result.schedule.id);
    names.set(result.schedule.id, file);
    return other === undefined ? [] : [{ file, problems: [{ path: 'id', message: `expected a name of its own, got that of ${other}` }] }];
  });
  if (wrong.length > 0) throw new UserError(describeWrong(wrong));
  return checked.flatMap(({ result }) => (result.ok ? [result.schedule] : []));
}

/** Paths in it start from `folder`. */
export async function checkSchedule(raw: unknown, folder: string): Promise<Checked> {
  const checked = checkScheduleSpec(raw);
  if (!checked.ok) return checked;
  const { schedule } = checked;
  const spec = typeof schedule.spec === 'string' ? await readJson(resolve(folder, schedule.spec)) : { ok: true as const, value: schedule.spec };
  if (!spec.ok) return { ok: false, problems: [{ path: 'spec', message: spec.problem }] };
  // As it will be started: with who asks for it.
  const lifecycle = checkLifecycleSpec(typeof spec.value === 'object' && spec.value !== null ? { requester: `schedule ${schedule.id}`, ...spec.value } : spec.value);
  if (!lifecycle.ok) return { ok: false, problems: lifecycle.problems.map(({ path, message }) => ({ path: path === 'spec' ? path : `spec.${path}`, message })) };
  return { ok: true, schedule: { ...schedule, spec: spec.value as Record<string, unknown> } };
}

/** One message for all, with the way out. */
export function describeWrong(wrong: readonly { readonly file: string; readonly problems: readonly Problem[] }[]): string {
  return [
    'Nothing was changed, for not all is right:',
    ...wrong.flatMap(({ file, problems }) => problems.map(({ path, message }) => `  ${file}: ${path}: ${message}`)),
    'hint: examples/schedules/package-summaries-weekly.json is a complete example.',
  ].join('\n');
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0) throw new UserError(`There is no .json file in ${path}.`);
  return names.map((name) => join(path, name));
}

async function readScheduleFile(file: string): Promise<Checked> {
  const read = await readJson(file);
  return read.ok ? checkSchedule(read.value, dirname(file)) : { ok: false, problems: [{ path: 'file', message: read.problem }] };
}

async function readJson(path: string): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string }> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return { ok: false, problem: `expected a JSON file, but ${path} can't be read` };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `expected JSON, but ${path} is none: ${(error as Error).message}` };
  }
}

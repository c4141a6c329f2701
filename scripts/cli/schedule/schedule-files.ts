import { readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkLifecycleSpec, type Problem } from '../../../domain/spec/explain-spec.ts';
import { checkScheduleSpec } from '../../../domain/spec/schedule-spec.ts';
import type { LifecycleSchedule } from '../../../workers/schedules/schedule-options.ts';
import { UserError } from '../user-error.ts';

type Checked =
  | { readonly ok: true; readonly schedule: LifecycleSchedule }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The schedules of files, and of folders of .json files. Throws one `UserError` for all that is wrong in any of them. */
export async function readSchedules(paths: readonly string[]): Promise<LifecycleSchedule[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const checked = await Promise.all(files.map(async (file) => ({ file, result: await readScheduleFile(file) })));
  const names = new Map<string, string>();
  const wrong = checked.flatMap(({ file, result }) => {
    if (!result.ok) return [{ file, problems: result.problems }];
    const other = names.get(result.schedule.id);
    names.set(result.schedule.id, file);
    return other === undefined
      ? []
      : [{ file, problems: [{ path: 'id', message: `expected a name of its own, got that of ${other}` }] }];
  });
  if (wrong.length > 0) throw new UserError(describeWrong(wrong));
  return checked.flatMap(({ result }) => (result.ok ? [result.schedule] : []));
}

/** Paths in it start from `folder`. */
export async function checkSchedule(raw: unknown, folder: string): Promise<Checked> {
  const checked = checkScheduleSpec(raw);
  const spec = await readSpec((raw as { spec?: unknown } | null)?.spec, folder);
  const problems = [...(checked.ok ? [] : checked.problems), ...spec.problems];
  return checked.ok && problems.length === 0
    ? { ok: true, schedule: { ...checked.schedule, spec: spec.value } }
    : { ok: false, problems };
}

/** The lifecycle spec that a schedule has or names, and what is wrong with it; of one that is neither the schedule's own check tells. */
async function readSpec(
  given: unknown,
  folder: string,
): Promise<{ readonly value: Record<string, unknown>; readonly problems: readonly Problem[] }> {
  const read =
    typeof given === 'string' && given !== ''
      ? await readJson(resolve(folder, given))
      : { ok: true as const, value: given };
  if (!read.ok) return { value: {}, problems: [{ path: 'spec', message: read.problem }] };
  const isObject = typeof read.value === 'object' && read.value !== null && !Array.isArray(read.value);
  if (!isObject)
    return {
      value: {},
      problems:
        typeof given === 'string' && given !== ''
          ? [{ path: 'spec', message: `expected a JSON object in ${given}` }]
          : [],
    };
  const value = read.value as Record<string, unknown>;
  // As it will be started: with somebody who asks for it.
  const checked = checkLifecycleSpec({ requester: 'a schedule', ...value });
  return {
    value,
    problems: checked.ok ? [] : checked.problems.map(({ path, message }) => ({ path: `spec.${path}`, message })),
  };
}

/** One message for all, with the way out. */
export function describeWrong(
  wrong: readonly { readonly file: string; readonly problems: readonly Problem[] }[],
): string {
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
  return read.ok
    ? checkSchedule(read.value, dirname(file))
    : { ok: false, problems: [{ path: 'file', message: read.problem }] };
}

async function readJson(
  path: string,
): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string }> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return { ok: false, problem: `expected a JSON file, but ${path} can't be read` };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `expected JSON, but ${path} is none: ${(error as Error).message}` };
  }
}

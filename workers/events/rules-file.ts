import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { checkEventRules, type EventRule } from '../../domain/spec/event-rules.ts';
import { checkLifecycleSpec, type Problem } from '../../domain/spec/explain-spec.ts';
import { SetupError } from '../../local/setup-error.ts';

/** The rules, with absolute paths of specs. Throws a `SetupError` that names each wrong field, also in the specs. */
export async function loadEventRules(path: string): Promise<readonly EventRule[]> {
  const check = checkEventRules(await readJson(path));
  if (!check.ok) throw refused(path, check.problems);
  const folder = dirname(resolve(path));
  const rules = check.rules.map((rule) =>
    rule.start === 'lifecycle' ? { ...rule, spec: resolve(folder, rule.spec) } : rule,
  );
  for (const rule of rules) if (rule.start === 'lifecycle') await readEventSpec(rule.spec);
  return rules;
}

/** The spec that an event starts a lifecycle with. Throws a `SetupError` for an invalid spec. */
export async function readEventSpec(path: string): Promise<Readonly<Record<string, unknown>>> {
  const spec = { requester: 'event', ...((await readJson(path)) as Record<string, unknown>) };
  const check = checkLifecycleSpec(spec);
  if (!check.ok) throw refused(path, check.problems);
  return spec;
}

const refused = (path: string, problems: readonly Problem[]): SetupError =>
  new SetupError(
    [
      `${path}, which TUNELINE_EVENT_RULES leads to, was refused:`,
      ...problems.map((problem) => `  ${problem.path}: ${problem.message}`),
      'hint: examples/events/rules.json is a complete example.',
    ].join('\n'),
  );

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new SetupError(
      `There is no file ${path}, which TUNELINE_EVENT_RULES leads to.\nhint: examples/events/rules.json is one.`,
    );
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SetupError(`${path} is not JSON: ${(error as Error).message}`);
  }
}

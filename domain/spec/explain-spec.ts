import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { lifecycleSpecSchema, type LifecycleSpec } from './lifecycle-spec.ts';

export interface Problem {
  /** Dotted path of the field, such as `tune.steps` or `gate[0].metric`. */
  readonly path: string;
  readonly message: string;
}

export type SpecCheck =
  { readonly ok: true; readonly spec: LifecycleSpec } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks a person's input. Names every wrong field and the expected value. */
export function checkLifecycleSpec(raw: unknown): SpecCheck {
  const parsed = lifecycleSpecSchema.safeParse(raw, { reportInput: true });
  return parsed.success
    ? { ok: true, spec: parsed.data }
    : { ok: false, problems: explainIssues(parsed.error, raw, lifecycleSpecJsonSchema() as JsonSchema) };
}

/** Explains each problem of `raw` in one line, based on the schema that it was checked with. */
export const explainIssues = ({ issues }: z.ZodError, raw: unknown, schema: JsonSchema): Problem[] =>
  issues.flatMap((issue) => explain(issue, raw, schema));

/** One readable message for all problems, with a hint. */
export function describeProblems(problems: readonly Problem[]): string {
  const many = problems.length > 1 ? 'fields are' : 'field is';
  return [
    `The spec was refused: ${problems.length} ${many} wrong. Nothing was started.`,
    ...problems.map(({ path, message }) => `  ${path}: ${message}`),
    'hint: examples/specs/package-summaries.json is a complete example.',
  ].join('\n');
}

function explain(issue: z.core.$ZodIssue, raw: unknown, schema: JsonSchema): Problem[] {
  const path = showPath(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => explainUnknown(schema, issue.path, key, issue.input));
    case 'invalid_type':
      return [{ path, message: `expected ${articled(issue.expected)}, got ${showValue(issue.input)}` }];
    case 'invalid_value':
      return [{ path, message: explainValue(issue.values.map(String), issue.input) }];
    case 'invalid_union':
      if (issue.errors.length > 0)
        return [{ path, message: explainValue(issue.errors.flat().flatMap(alternatives), issue.input) }];
      // This issue has the path of the discriminator, and the input is the object around it.
      return [
        {
          path,
          message: explainValue(discriminatorValues(schema, issue.path), fieldOf(issue.input, issue.path.at(-1))),
        },
      ];
    case 'too_small':
      return [
        {
          path,
          message: `expected ${measureOf(issue.origin)} of at least ${issue.minimum}${issue.inclusive === false ? ' (exclusive)' : ''}, got ${showValue(issue.input)}`,
        },
      ];
    case 'too_big':
      return [
        {
          path,
          message: `expected ${measureOf(issue.origin)} of at most ${issue.maximum}, got ${showValue(issue.input)}`,
        },
      ];
    case 'invalid_format':
      return [{ path, message: `expected ${issue.message}, got ${showValue(issue.input)}` }];
    case 'custom':
      // An issue from a check over several fields has the object as its input; its path names the field to change.
      return [{ path, message: `expected ${issue.message}, got ${showValue(issue.path.reduce(fieldOf, raw))}` }];
    default:
      return [{ path, message: issue.message }];
  }
}

/** The values that one branch of a union accepts. */
function alternatives(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return [issue.code === 'invalid_type' ? articled(issue.expected) : issue.message];
}

function explainUnknown(schema: JsonSchema, parent: readonly PropertyKey[], key: string, around: unknown): Problem {
  const known = fieldsAt(schema, parent, around);
  const near = nearest(key, known);
  return {
    path: showPath([...parent, key]),
    message: `no such field${near ? `; did you mean ${near}?` : ''}${near || known.length === 0 ? '' : ` (known: ${known.join(', ')})`}`,
  };
}

function explainValue(allowed: readonly string[], input: unknown): string {
  const near = typeof input === 'string' ? nearest(input, allowed) : undefined;
  return `expected ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}, got ${showValue(input)}${near ? `; did you mean ${near}?` : ''}`;
}

/** Suggests a word only if at most half of its letters differ: a worse match would confuse. */
function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(
    word.toLowerCase(),
    known.map((k) => k.toLowerCase()),
  );
  const found = known.find((k) => k.toLowerCase() === best);
  return found !== undefined && distance(word.toLowerCase(), best) <= Math.ceil(word.length / 2) ? found : undefined;
}

export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

/** The JSON Schema of the spec, for editors; checked in beside the examples. */
export const lifecycleSpecJsonSchema = () => z.toJSONSchema(lifecycleSpecSchema, { io: 'input' });

function schemasAt(whole: JsonSchema, path: readonly PropertyKey[]): JsonSchema[] {
  let schemas: JsonSchema[] = [whole];
  for (const step of path) {
    schemas = schemas
      .flatMap((s) => (s.oneOf ? [...s.oneOf] : [s]))
      .flatMap((s) => (typeof step === 'number' ? s.items : s.properties?.[String(step)]) ?? []);
  }
  return schemas.flatMap((s) => (s.oneOf ? [...s.oneOf] : [s]));
}

/** The fields of the variant that the input has; the fields of all variants if the variant is unknown. */
function fieldsAt(schema: JsonSchema, path: readonly PropertyKey[], written: unknown): string[] {
  const schemas = schemasAt(schema, path);
  const chosen = schemas.filter(({ properties = {} }) =>
    Object.entries(properties).every(([field, s]) => s.const === undefined || s.const === fieldOf(written, field)),
  );
  const fields = (chosen.length > 0 ? chosen : schemas).flatMap((s) => Object.keys(s.properties ?? {}));
  return [...new Set(fields)].filter((field) => field !== '$schema');
}

const discriminatorValues = (schema: JsonSchema, path: readonly PropertyKey[]): string[] =>
  schemasAt(schema, path).flatMap((s) => (typeof s.const === 'string' ? [s.const] : []));

const fieldOf = (input: unknown, field: PropertyKey | undefined): unknown =>
  typeof input === 'object' && input !== null && field !== undefined
    ? (input as Record<PropertyKey, unknown>)[field]
    : input;

const showPath = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'spec' : path.map(showStep).join('').replace(/^\./, '');

const showStep = (step: PropertyKey): string => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`);

function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const measureOf = (origin: string): string =>
  ({ string: 'a text with a length', array: 'a list with a length' })[origin] ?? 'a number';

const articled = (type: string): string =>
  ({
    int: 'a whole number',
    number: 'a number',
    string: 'a text',
    array: 'a list',
    object: 'an object',
    boolean: 'true or false',
  })[type] ?? type;

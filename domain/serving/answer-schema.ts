import { z } from 'zod';

/** A JSON Schema from a spec. */
export type AnswerSchema = Readonly<Record<string, unknown>>;

/** Explains to people why the schema is unusable; undefined if it is usable. */
export function schemaProblem(schema: AnswerSchema): string | undefined {
  try {
    z.fromJSONSchema(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Explains in a phrase why a text is not JSON that fits the schema; undefined if it fits. */
export function whatDoesNotFit(text: string, schema: AnswerSchema): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the answer is not JSON';
  }
  const [issue] = z.fromJSONSchema(schema).safeParse(value).error?.issues ?? [];
  return (
    issue &&
    `the answer does not fit the schema: ${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`
  );
}

import { z } from 'zod';

/** A JSON Schema, as a spec has it. */
export type AnswerSchema = Readonly<Record<string, unknown>>;

/** Why answers can't be held against it, for people; undefined if they can. */
export function schemaProblem(schema: AnswerSchema): string | undefined {
  try {
    z.fromJSONSchema(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A phrase: why a text is not JSON that fits the schema; undefined if it is. */
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

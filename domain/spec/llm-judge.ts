import { z } from 'zod';

/**
 * A model behind an OpenAI-compatible API. A spec contains no secrets: the Jobs read the key from
 * `TUNELINE_JUDGE_API_KEY`.
 */
export const judgeSchema = z.strictObject({
  model: z
    .string()
    .regex(/^[\w@][\w.:/@+-]{0,199}$/, 'a name as in org/name, without a slash at its start')
    .meta({ description: 'As the API names it.' }),
  // No default, because a person must decide where texts are sent.
  address: z
    .string()
    .regex(
      /^https?:\/\/[\w.:[\]-]+(\/[\w.~%/:+-]*)?$/,
      'http(s)://HOST[:PORT]/PATH without a user, a password or a query; the key is TUNELINE_JUDGE_API_KEY',
    )
    .meta({ description: 'The base URL of an OpenAI-compatible API, such as https://HOST/v1.' }),
});

const judged = z.looseObject({ evaluate: z.looseObject({ judge: judgeSchema }) });

/**
 * Tells the person who starts the lifecycle that texts will be sent to the judge; undefined if the spec has no judge.
 */
export function describeJudge(spec: unknown): string | undefined {
  const { success, data } = judged.safeParse(spec);
  return success
    ? `evaluate.judge: the held-out prompts and every model's answers to them will be sent to ${data.evaluate.judge.address}, for ${data.evaluate.judge.model} to judge`
    : undefined;
}

import { z } from 'zod';
import { Refusal } from './lifecycles.ts';

const text = (maximum: number) => z.string().trim().max(maximum);

const token = z.object({ token: text(200).min(1) });
const decision = z.object({
  decision: z.enum(['approve', 'reject']),
  digest: text(200).min(1),
  comment: text(2000).optional(),
});
const delegation = z.object({ to: text(100).min(1) });
const comment = z.object({ text: text(2000).min(1) });

/** Each of these throws a `Refusal` that says what the body must be. */
export const tokenFrom = (body: unknown): string => parse(token, body, '{"token": the one that was printed}').token;

export function decisionFrom(body: unknown): {
  readonly decision: 'approve' | 'reject';
  readonly digest: string;
  readonly comment?: string;
} {
  const { comment: said, ...rest } = parse(
    decision,
    body,
    '{"decision": "approve" or "reject", "digest": what was looked at}, and a "comment" of at most 2000 characters',
  );
  return { ...rest, ...(said ? { comment: said } : {}) };
}

export const delegationFrom = (body: unknown): { readonly to: string } =>
  parse(delegation, body, '{"to": the name of who decides in your place}, of at most 100 characters');

export const commentFrom = (body: unknown): { readonly text: string } =>
  parse(comment, body, '{"text": 1 to 2000 characters}');

function parse<T>(schema: z.ZodType<T>, body: unknown, expected: string): T {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new Refusal(400, `The body must be JSON: ${expected}.`);
  return data;
}

import type { FieldProblem } from './chat-request.ts';
import type { Feedback } from './trace-store.ts';

export type ReadFeedback =
  { readonly ok: true; readonly feedback: Omit<Feedback, 'author'> } | ({ readonly ok: false } & FieldProblem);

const longestText = 20_000;

/** Returns the feedback, or the first wrong field with the expected value. */
export function readFeedback(body: unknown): ReadFeedback {
  if (typeof body !== 'object' || body === null) return wrong('body', 'The body must be a JSON object.');
  const { id, rating, correction, comment, ...unknown } = body as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined)
    return wrong(stranger, `"${stranger}" is unknown; feedback is {"id", "rating", "correction", "comment"}.`);
  if (typeof id !== 'string' || !/^chatcmpl-[0-9a-f]{32}$/.test(id))
    return wrong(
      'id',
      '"id" must be that of an answer, such as "chatcmpl-" and 32 hex digits: its "id", and its header x-request-id.',
    );
  if (typeof rating !== 'number' || !(rating >= -1 && rating <= 1))
    return wrong('rating', `"rating" must be a number from -1, bad, to 1, good, got ${JSON.stringify(rating)}.`);
  for (const [name, text] of Object.entries({ correction, comment }))
    if (
      text !== undefined &&
      text !== null &&
      (typeof text !== 'string' || text.trim() === '' || text.length > longestText)
    )
      return wrong(name, `"${name}" must be a text of 1 to ${longestText} characters.`);
  return {
    ok: true,
    feedback: {
      id,
      rating,
      ...(typeof correction === 'string' ? { correction } : {}),
      ...(typeof comment === 'string' ? { comment } : {}),
    },
  };
}

const wrong = (param: string, message: string) => ({ ok: false, param, message }) as const;

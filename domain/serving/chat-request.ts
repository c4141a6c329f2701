/** A client's request to an endpoint: OpenAI's chat completion, or the columns of the release's own prompt. */
export interface ChatCall {
  readonly endpoint: string;
  readonly stream: boolean;
  /**
   * The person on whose behalf the client asks. Requests with the same name get the same release while the shares stay
   * the same.
   */
  readonly user?: string;
  readonly asked:
    { readonly messages: readonly ChatMessage[] } | { readonly variables: Readonly<Record<string, string>> };
  readonly maxTokens?: number;
  /** All other fields, which are passed to the engine unchanged. */
  readonly rest: Readonly<Record<string, unknown>>;
}

export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
}

export interface FieldProblem {
  readonly param: string;
  readonly message: string;
}

export type ReadChatCall = { readonly ok: true; readonly call: ChatCall } | ({ readonly ok: false } & FieldProblem);

/** Returns the call, or the first wrong field with the expected value. */
export function readChatCall(body: unknown): ReadChatCall {
  if (!isObject(body)) return wrong('body', 'The body must be a JSON object.');
  const { model, messages, variables, stream, user, max_tokens, max_completion_tokens, ...rest } = body;
  if (typeof model !== 'string') return wrong('model', '"model" is missing: the name of an endpoint.');
  if (!isAbsent(stream) && typeof stream !== 'boolean')
    return wrong('stream', `"stream" must be true or false, got ${show(stream)}.`);
  if (!isAbsent(user) && typeof user !== 'string') return wrong('user', `"user" must be a string, got ${show(user)}.`);
  if (!isAbsent(rest['n']) && rest['n'] !== 1)
    return wrong('n', `"n" must be 1: an endpoint gives one answer, got ${show(rest['n'])}.`);
  const limit = max_completion_tokens ?? max_tokens;
  if (!isAbsent(limit) && !(Number.isInteger(limit) && (limit as number) >= 1))
    return wrong('max_tokens', `"max_tokens" must be a whole number above 0, got ${show(limit)}.`);
  const asked = readAsked(messages, variables);
  if ('param' in asked) return wrong(asked.param, asked.message);
  return {
    ok: true,
    call: {
      endpoint: model,
      stream: stream === true,
      asked,
      rest: isAbsent(user) ? rest : { ...rest, user },
      ...(isAbsent(user) ? {} : { user: user as string }),
      ...(isAbsent(limit) ? {} : { maxTokens: limit as number }),
    },
  };
}

function readAsked(messages: unknown, variables: unknown): ChatCall['asked'] | FieldProblem {
  if (isAbsent(messages) === isAbsent(variables))
    return {
      param: 'messages',
      message: 'Give either "messages", or "variables" for the columns of the prompt of this endpoint.',
    };
  if (isAbsent(messages)) {
    if (!isObject(variables))
      return { param: 'variables', message: `"variables" must be an object of strings, got ${show(variables)}.` };
    const bad = Object.entries(variables).find(([, value]) => typeof value !== 'string');
    return bad
      ? { param: 'variables', message: `"variables.${bad[0]}" must be a string, got ${show(bad[1])}.` }
      : { variables: variables as Record<string, string> };
  }
  if (!Array.isArray(messages) || messages.length === 0)
    return {
      param: 'messages',
      message: `"messages" must be a list of at least one {"role", "content"}, got ${show(messages)}.`,
    };
  const bad = messages.findIndex((message) => !isObject(message) || typeof message['role'] !== 'string');
  return bad === -1
    ? { messages: messages as ChatMessage[] }
    : { param: 'messages', message: `"messages[${bad}]" must be an object with a "role", got ${show(messages[bad])}.` };
}

/** The text of the messages. Content that is not text, such as an image, is left out. */
export const textOf = (messages: readonly ChatMessage[]): string =>
  messages.map(({ content }) => textOfContent(content)).join('\n');

function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .flatMap((part: unknown) => (isObject(part) && typeof part['text'] === 'string' ? [part['text']] : []))
    .join('\n');
}

const wrong = (param: string, message: string) => ({ ok: false, param, message }) as const;
/** Clients send null for an omitted field. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);

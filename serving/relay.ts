import { guardAnswer, needsWholeAnswer, StreamGuard } from '../domain/serving/output-guard.ts';
import type { ServingSettings } from '../domain/serving/serving-settings.ts';
import { completionTokensOf } from './engines.ts';
import { eventWith } from './event-stream.ts';
import { errorBody, Refusal } from './refusal.ts';

export interface Relayed {
  /** The HTTP status. 0 if the engine broke the connection. */
  readonly status: number;
  /** The text that the client received. */
  readonly answer: string;
  readonly completionTokens: number;
  readonly findings: readonly string[];
}

export interface RelayOptions {
  /** Fields that replace the engine's own, such as the ID and the model name. */
  readonly named: object;
  readonly settings: ServingSettings;
  readonly signal: AbortSignal;
  readonly onEnd: (relayed: Relayed) => void;
}

type Chunk = Readonly<Record<string, unknown>> & {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: unknown } | undefined;
    readonly finish_reason?: unknown;
  }[];
};

/**
 * Relays the engine's events to the client through the output guard. The status is already sent, so a later error goes
 * into the stream.
 */
export async function* relay(
  events: AsyncIterable<string>,
  { named, settings, signal, onEnd }: RelayOptions,
): AsyncGenerator<string, void, void> {
  const guard = needsWholeAnswer(settings) ? wholeGuard(settings) : new StreamGuard(settings);
  let answer = '';
  let parts = 0;
  let counted = 0;
  let ended = false;
  const finish = (status: number): void =>
    onEnd({ status, answer, completionTokens: counted || parts, findings: guard.findings });
  const give = (chunk: Chunk, text: string, isLast: boolean): string => {
    answer += text;
    return eventWith(
      JSON.stringify(withText({ ...chunk, ...named }, text, isLast && guard.isStopped ? 'content_filter' : undefined)),
    );
  };
  try {
    for await (const data of events) {
      if (data === '[DONE]') continue;
      const chunk = JSON.parse(data) as Chunk;
      const text = textOfDelta(chunk);
      parts += text === '' ? 0 : 1;
      counted = completionTokensOf(chunk) || counted;
      const isLast = typeof chunk.choices?.[0]?.finish_reason === 'string';
      const ready = guard.push(text) + (isLast ? guard.end() : '');
      ended ||= isLast;
      // The guard holds the text back, so this event would be empty.
      if (text !== '' && ready === '' && !isLast) continue;
      yield give(chunk, ready, isLast);
    }
  } catch {
    const reason: unknown = signal.reason;
    const late = reason instanceof Refusal ? reason : undefined;
    // A disconnected client says nothing about the release.
    if (late?.code !== 'client_gone') finish(late?.status ?? 0);
    yield eventWith(
      JSON.stringify(
        errorBody(late ?? new Refusal(502, 'engine_failed', 'The engine broke off in the middle of its answer.')),
      ),
    );
    return;
  }
  if (!ended) {
    const rest = guard.end();
    if (rest !== '' || guard.isStopped)
      yield give({ object: 'chat.completion.chunk', choices: [{ delta: {} }] }, rest, true);
  }
  finish(200);
  yield eventWith('[DONE]');
}

function textOfDelta({ choices }: Chunk): string {
  const content = choices?.[0]?.delta?.content;
  return typeof content === 'string' ? content : '';
}

/** Removes the token probabilities, because they contain the unguarded text. */
function withText(chunk: Chunk, content: string, finishReason: string | undefined): Chunk {
  const [first] = chunk.choices ?? [];
  if (!first) return chunk;
  const { logprobs: _, ...choice } = first as typeof first & { logprobs?: unknown };
  const delta = content === '' && choice.delta?.content === undefined ? choice.delta : { ...choice.delta, content };
  return {
    ...chunk,
    choices: [{ ...choice, delta, ...(finishReason === undefined ? {} : { finish_reason: finishReason }) }],
  };
}

/** A guard that holds everything back until the end, and then releases all of it or nothing. */
function wholeGuard(settings: ServingSettings) {
  let held = '';
  let findings: readonly string[] = [];
  let isStopped = false;
  return {
    get findings() {
      return findings;
    },
    get isStopped() {
      return isStopped;
    },
    push(part: string): string {
      held += part;
      return '';
    },
    end(): string {
      const guarded = guardAnswer(held, settings);
      findings = guarded.findings;
      isStopped = guarded.text === undefined;
      held = '';
      return guarded.text ?? '';
    },
  };
}

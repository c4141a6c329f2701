import { guardAnswer, needsWholeAnswer, StreamGuard } from '../domain/serving/output-guard.ts';
import type { ServingSettings } from '../domain/serving/serving-settings.ts';
import { completionTokensOf } from './engines.ts';
import { eventWith } from './event-stream.ts';
import { errorBody, Refusal } from './refusal.ts';

export interface Relayed {
  /** Of HTTP; 0 where the engine broke off. */
  readonly status: number;
  /** As the client got it. */
  readonly answer: string;
  readonly completionTokens: number;
  readonly findings: readonly string[];
}

export interface RelayOptions {
  /** Fields that clients know by other names than the engine. */
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

/** The engine's events as the client may have them. What breaks now can't be taken back: the client is told in the stream. */
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
      // Held back: an event without it would say nothing.
      if (text !== '' && ready === '' && !isLast) continue;
      yield give(chunk, ready, isLast);
    }
  } catch {
    const reason: unknown = signal.reason;
    const late = reason instanceof Refusal ? reason : undefined;
    // Of a client that left nothing can be said of the release.
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

/** Without the probabilities of tokens, which spell the text once more. */
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

/** Gives nothing out before the end, and then all or nothing. */
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

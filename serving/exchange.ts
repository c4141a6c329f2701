import type { ChatMessage } from '../domain/serving/chat-request.ts';
import type { Release } from '../domain/endpoint/release.ts';

/** One request that one release answered or failed, with its text. */
export interface Exchange {
  readonly id: string;
  readonly release: Release;
  readonly atMs: number;
  /** The HTTP status. 0 if the engine broke the connection. */
  readonly status: number;
  readonly ms: number;
  readonly messages: readonly ChatMessage[];
  /** The prompt's variables, if the client sent these and the server rendered the message. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The guard that stopped or changed the answer. */
  readonly guard?: 'input' | 'output';
  /** The text that the client received. */
  readonly answer: string;
  readonly completionTokens: number;
}

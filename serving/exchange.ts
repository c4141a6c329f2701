import type { ChatMessage } from '../domain/serving/chat-request.ts';
import type { Release } from '../domain/endpoint/release.ts';

/** One request that one release answered or failed, with its text. */
export interface Exchange {
  readonly id: string;
  readonly release: Release;
  readonly atMs: number;
  /** Of HTTP; 0 where the engine broke off. */
  readonly status: number;
  readonly ms: number;
  readonly messages: readonly ChatMessage[];
  /** Of the prompt, where the client gave these and the server made the message. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Which guard stopped or changed it. */
  readonly guard?: 'input' | 'output';
  /** As the client got it. */
  readonly answer: string;
  readonly completionTokens: number;
}

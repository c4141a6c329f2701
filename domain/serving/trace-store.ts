import type { ChatMessage } from './chat-request.ts';
import type { Release } from '../endpoint/release.ts';

/** One answered request with its text, without personal data. */
export interface RequestTrace {
  /** The ID of the request. */
  readonly id: string;
  readonly release: Release;
  readonly atMs: number;
  readonly ms: number;
  /** The HTTP status. */
  readonly status: number;
  readonly messages: readonly ChatMessage[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly answer: string;
}

/** A person's feedback on an answer. */
export interface Feedback {
  /** The ID of the request. */
  readonly id: string;
  /** From -1 (bad) to 1 (good). */
  readonly rating: number;
  /** The answer that the model should have given. */
  readonly correction?: string;
  readonly comment?: string;
  /** The name of the client's key; "client" if the endpoint needs no key. */
  readonly author: string;
}

/** Stores traces and feedback. A method may fail, and the caller may retry it. */
export interface TraceStore {
  write(trace: RequestTrace): Promise<void>;
  /** Adds the feedback to the request's trace. Rejects with `UnknownTraceError` if there is no such trace. */
  assess(endpoint: string, feedback: Feedback): Promise<void>;
}

import type { ChatMessage } from './chat-request.ts';
import type { Release } from '../endpoint/release.ts';

/** One answered request with its text, without personal data. */
export interface RequestTrace {
  /** Of the request. */
  readonly id: string;
  readonly release: Release;
  readonly atMs: number;
  readonly ms: number;
  /** Of HTTP. */
  readonly status: number;
  readonly messages: readonly ChatMessage[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly answer: string;
}

/** What someone said of an answer. */
export interface Feedback {
  /** Of the request. */
  readonly id: string;
  /** -1, bad, to 1, good. */
  readonly rating: number;
  /** What it should have said. */
  readonly correction?: string;
  readonly comment?: string;
  /** Whose key it was; "client" where nobody needs one. */
  readonly author: string;
}

/** Where traces and feedback are kept. Each method may fail, and may be asked again. */
export interface TraceStore {
  write(trace: RequestTrace): Promise<void>;
  /** On the request's trace. Rejects with `UnknownTraceError` where there is none. */
  assess(endpoint: string, feedback: Feedback): Promise<void>;
}

import { digestOfText } from '../digest.ts';
import { tags } from '../lineage/tracking.ts';

/** The trace of a Job. It does not affect the result: with another trace, or none, it is the same Job. */
export interface JobTrace {
  /** W3C `traceparent` of the activity that created the Job. */
  readonly parent: string;
  readonly askedAtMs: number;
}

export interface JobSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly isSampled: boolean;
}

interface Traced {
  readonly name: string;
  readonly trace?: JobTrace;
}

/**
 * The span of a Job, from start to end. Its ID is a digest of its parent and the Job's name, so that the Job and every
 * worker can compute it.
 */
export function spanOf({ name, trace }: Traced): JobSpan | undefined {
  const parent = trace && readTraceparent(trace.parent);
  if (!parent) return undefined;
  const { traceId, spanId: parentSpanId, isSampled } = parent;
  return { traceId, spanId: digestOfText(`${traceId}/${parentSpanId}/${name}`).slice(-16), parentSpanId, isSampled };
}

/** The environment variables of a traced Job: with them, the spans of the Job become children of its span. */
export function traceVariables(request: Traced): { readonly TRACEPARENT?: string } {
  const span = spanOf(request);
  return span ? { TRACEPARENT: `00-${span.traceId}-${span.spanId}-${span.isSampled ? '01' : '00'}` } : {};
}

/** The tags that link a run to its trace; empty if the trace is not sampled, because then nobody stores it. */
export function traceTags(traceparent: string | undefined): Readonly<Record<string, string>> {
  const trace = traceparent === undefined ? undefined : readTraceparent(traceparent);
  return trace?.isSampled ? { [tags.traceId]: trace.traceId } : {};
}

function readTraceparent(text: string) {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  return traceId && spanId && flags ? { traceId, spanId, isSampled: Number.parseInt(flags, 16) % 2 === 1 } : undefined;
}

import { type Client } from './client.ts';
import { present } from './errors.ts';
import { tagsEqual } from './filter.ts';
import { type Tag, type Tags } from './tags.ts';

export interface TraceToPut {
  /** 32 hex digits. The trace ID contains them, so that a request's ID leads to its trace. */
  readonly hexId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly ms: number;
  readonly ok: boolean;
  readonly inputs: object;
  readonly outputs: object;
  /** The texts that lists of traces show. */
  readonly previews: { readonly request: string; readonly response: string };
  readonly tags: Tags;
}

/** A person's feedback on a trace: a rating, or the expected answer. */
export interface Assessment {
  readonly name: string;
  readonly source: string;
  readonly atMs: number;
  readonly feedback?: number | string;
  readonly expectation?: string;
  readonly rationale?: string;
}

export interface Trace {
  readonly hexId: string;
  readonly startedAtMs: number;
  readonly tags: Tags;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly assessments: readonly Assessment[];
}

export interface Traces {
  /** Stores a trace with one span. Idempotent. */
  put(trace: TraceToPut): Promise<void>;
  /** Adds an assessment. Not idempotent: a repeated call adds a second one. Throws `notFound`. */
  assess(hexId: string, assessment: Assessment): Promise<void>;
  /** Throws `notFound`. */
  setTag(hexId: string, tag: Tag): Promise<void>;
  /** All traces of the experiment with these tags, oldest first. */
  find(experimentId: string, tags: Tags): AsyncGenerator<Trace>;
}

const ROOT = '/api/3.0/mlflow/traces';
/** MLflow's lists show no more characters, and its columns hold no more. */
const PREVIEW_CHARACTERS = 1000;
const PAGE = 100;

const traceId = (hexId: string): string => `tr-${hexId}`;

export function createTraces(client: Client): Traces {
  return {
    async put(trace) {
      await client.json('POST', ROOT, { trace: { trace_info: toInfo(trace) } });
      await client.spans(trace.experimentId, {
        resourceSpans: [
          { resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'tuneline' }, spans: [toSpan(trace)] }] },
        ],
      });
    },
    async assess(hexId, { name, source, atMs, feedback, expectation, rationale }) {
      const time = new Date(atMs).toISOString();
      const assessment = {
        ...{ assessment_name: name, trace_id: traceId(hexId), valid: true, create_time: time, last_update_time: time },
        source: { source_type: 'HUMAN', source_id: source },
        ...(feedback === undefined ? {} : { feedback: { value: feedback } }),
        ...(expectation === undefined ? {} : { expectation: { value: expectation } }),
        ...(rationale === undefined ? {} : { rationale }),
      };
      await client.json('POST', `${ROOT}/${traceId(hexId)}/assessments`, { assessment });
    },
    async setTag(hexId, tag) {
      await client.json('PATCH', `${ROOT}/${traceId(hexId)}/tags`, { trace_id: traceId(hexId), ...tag });
    },
    async *find(experimentId, tags) {
      let pageToken: string | undefined;
      do {
        const page: { traces?: readonly WireInfo[]; next_page_token?: string } = await client.json(
          'POST',
          `${ROOT}/search`,
          {
            locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
            filter: tagsEqual(tags).join(' AND '),
            order_by: ['timestamp_ms ASC'],
            max_results: PAGE,
            page_token: pageToken,
          },
        );
        for (const info of page.traces ?? []) {
          const { trace } = await client.json<{ trace?: { spans?: readonly WireSpan[] } }>('GET', `${ROOT}/get`, {
            trace_id: info.trace_id,
          });
          yield toTrace(info, present(trace, 'trace').spans?.[0]);
        }
        pageToken = page.next_page_token;
      } while (pageToken);
    },
  };
}

const toInfo = ({ hexId, experimentId, name, startedAtMs, ms, ok, previews, tags }: TraceToPut) => ({
  ...{
    trace_id: traceId(hexId),
    state: ok ? 'OK' : 'ERROR',
    request_time: new Date(startedAtMs).toISOString(),
    execution_duration: `${(ms / 1000).toFixed(3)}s`,
  },
  trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
  trace_metadata: { 'mlflow.trace_schema.version': '3' },
  tags: { ...tags, 'mlflow.traceName': name },
  request_preview: previews.request.slice(0, PREVIEW_CHARACTERS),
  response_preview: previews.response.slice(0, PREVIEW_CHARACTERS),
});

function toSpan({ hexId, name, startedAtMs, ms, ok, inputs, outputs }: TraceToPut) {
  const attribute = (key: string, value: unknown) => ({ key, value: { stringValue: JSON.stringify(value) } });
  return {
    traceId: hexId,
    // A trace has one span. The span's ID derives from the trace's ID, so that a repeated put changes nothing.
    spanId: hexId.slice(0, 16),
    name,
    kind: 2,
    startTimeUnixNano: nanoseconds(startedAtMs),
    endTimeUnixNano: nanoseconds(startedAtMs + ms),
    attributes: [
      attribute('mlflow.spanType', 'LLM'),
      attribute('mlflow.spanInputs', inputs),
      attribute('mlflow.spanOutputs', outputs),
    ],
    status: { code: ok ? 1 : 2 },
  };
}

const nanoseconds = (ms: number): string => (BigInt(Math.round(ms * 1000)) * 1000n).toString();

interface WireInfo {
  readonly trace_id: string;
  readonly request_time: string;
  readonly tags?: Tags;
  readonly assessments?: readonly WireAssessment[];
}

interface WireAssessment {
  readonly assessment_name: string;
  readonly source?: { readonly source_id?: string };
  readonly create_time: string;
  readonly feedback?: { readonly value?: number | string };
  readonly expectation?: { readonly value?: string };
  readonly rationale?: string;
}

interface WireSpan {
  readonly attributes?: readonly { readonly key: string; readonly value: WireValue }[];
}

type WireValue =
  | { readonly string_value: string }
  | { readonly bool_value: boolean }
  | { readonly int_value: string | number }
  | { readonly double_value: number }
  | { readonly array_value: { readonly values?: readonly WireValue[] } }
  | { readonly kvlist_value: { readonly values?: readonly { readonly key: string; readonly value: WireValue }[] } }
  // An empty object means null.
  | object;

function toTrace({ trace_id, request_time, tags = {}, assessments = [] }: WireInfo, span: WireSpan | undefined): Trace {
  const attribute = (key: string): unknown => {
    const found = span?.attributes?.find((one) => one.key === key);
    return found && fromWire(found.value);
  };
  return {
    hexId: trace_id.replace(/^tr-/, ''),
    startedAtMs: Date.parse(request_time),
    tags,
    inputs: attribute('mlflow.spanInputs'),
    outputs: attribute('mlflow.spanOutputs'),
    assessments: assessments.map(
      ({ assessment_name: name, source, create_time, feedback, expectation, rationale }) => ({
        ...{ name, source: source?.source_id ?? '', atMs: Date.parse(create_time) },
        ...(feedback?.value === undefined ? {} : { feedback: feedback.value }),
        ...(expectation?.value === undefined ? {} : { expectation: expectation.value }),
        ...(rationale === undefined ? {} : { rationale }),
      }),
    ),
  };
}

/** OpenTelemetry's `AnyValue` as plain JSON. */
function fromWire(value: WireValue): unknown {
  if ('array_value' in value) return (value.array_value.values ?? []).map(fromWire);
  if ('kvlist_value' in value)
    return Object.fromEntries((value.kvlist_value.values ?? []).map((pair) => [pair.key, fromWire(pair.value)]));
  if ('int_value' in value) return Number(value.int_value);
  return Object.values(value)[0] ?? null;
}

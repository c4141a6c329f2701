import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** The part of OTLP's JSON that is looked at. */
interface Received {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}
type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly status: { readonly code?: number };
}

export interface ReceivedSpan extends Omit<WireSpan, 'attributes'> {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly service: unknown;
}

/** A collector that keeps what it is sent, one of each span. */
export async function startOtlpReceiver() {
  const spans = new Map<string, ReceivedSpan>();
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of (body as Received).resourceSpans)
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.set(span.spanId, {
            ...span,
            attributes: plain(span.attributes),
            service: plain(resource.attributes)['service.name'],
          });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans: () => [...spans.values()],
    /** Names of a span and of all that it is under. */
    path(span: ReceivedSpan): string[] {
      const parent = spans.get(span.parentSpanId ?? '');
      return [span.name, ...(parent ? this.path(parent) : [])];
    },
    close: () => server.close(),
  };
}

const plain = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

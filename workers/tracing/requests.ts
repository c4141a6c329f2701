import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Records a span for each POST to these routes, from the request's headers to the end of the answer. */
export function traceRequests(server: FastifyInstance, routes: string, tracer: Tracer): void {
  const open = new WeakMap<FastifyRequest, { readonly span: Span; readonly within: Context }>();
  server.addHook('onRequest', (request, _reply, done) => {
    const {
      method,
      headers,
      routeOptions: { url },
    } = request;
    if (method === 'POST' && url?.startsWith(routes)) {
      const caller = propagation.extract(ROOT_CONTEXT, headers);
      const span = tracer.startSpan(
        `POST ${url}`,
        { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'http.route': url } },
        caller,
      );
      open.set(request, { span, within: trace.setSpan(caller, span) });
    }
    done();
  });
  // Enters the context only after the body is read, because reading it would lose the context.
  server.addHook('preHandler', (request, _reply, done) => {
    const { within } = open.get(request) ?? {};
    if (within) context.with(within, done);
    else done();
  });
  server.addHook('onResponse', (request, { statusCode }, done) => {
    const { span } = open.get(request) ?? {};
    span?.setAttribute('http.response.status_code', statusCode);
    if (statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

import type { FastifyRequest } from 'fastify';
import type { Delivery } from '../../domain/events/event-signature.ts';

/** A raw request. Nothing in it is trusted yet. */
export interface RawRequest {
  readonly headers: FastifyRequest['headers'];
  readonly body: Buffer;
}

/** A header that came exactly once. A repeated header counts as missing. */
export function headerOf({ headers }: RawRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The headers and the content that MLflow signs. */
export const mlflowDelivery = (request: RawRequest): Delivery => ({
  id: headerOf(request, 'x-mlflow-delivery-id'),
  timestamp: headerOf(request, 'x-mlflow-timestamp'),
  signature: headerOf(request, 'x-mlflow-signature'),
  content: request.body,
});

/** The headers and the content that Standard Webhooks sign. */
export const standardDelivery = (request: RawRequest, content: Uint8Array = request.body): Delivery => ({
  id: headerOf(request, 'webhook-id'),
  timestamp: headerOf(request, 'webhook-timestamp'),
  signature: headerOf(request, 'webhook-signature'),
  content,
});

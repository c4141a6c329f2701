import type { FastifyRequest } from 'fastify';
import type { Delivery } from '../../domain/events/event-signature.ts';

/** A request as it came: nothing of it is believed yet. */
export interface RawRequest {
  readonly headers: FastifyRequest['headers'];
  readonly body: Buffer;
}

/** A header that came once; two of a kind are as good as none. */
export function headerOf({ headers }: RawRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** What MLflow signs, and where it says so. */
export const mlflowDelivery = (request: RawRequest): Delivery => ({
  id: headerOf(request, 'x-mlflow-delivery-id'),
  timestamp: headerOf(request, 'x-mlflow-timestamp'),
  signature: headerOf(request, 'x-mlflow-signature'),
  content: request.body,
});

/** Of Standard Webhooks. */
export const standardDelivery = (request: RawRequest, content: Uint8Array = request.body): Delivery => ({
  id: headerOf(request, 'webhook-id'),
  timestamp: headerOf(request, 'webhook-timestamp'),
  signature: headerOf(request, 'webhook-signature'),
  content,
});

import type { ServerResponse } from 'node:http';
import { StatusError } from './status.ts';

interface Reply {
  readonly code: number;
  readonly body: object | string;
}
export type Answer = Reply | { readonly watch: true };

/** `Retry-After: 0` costs a client that heeds it no time. Connections close: the client opens one for each request, and never closes it. */
export function reply(response: ServerResponse, { code, body }: Reply): void {
  // A real API server sends no content type with an empty log.
  const textType = body === '' ? undefined : 'text/plain';
  const type = typeof body === 'string' ? textType : 'application/json';
  response.writeHead(code, { 'content-type': type, ...(code === 429 ? { 'retry-after': '0' } : {}) });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export const problem = (code: number, reason: string, message: string) => ({
  code,
  body: new StatusError(code, reason, message).body,
});

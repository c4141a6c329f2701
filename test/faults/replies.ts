import type { ServerResponse } from 'node:http';
import { StatusError } from './status.ts';

interface Reply {
  readonly code: number;
  readonly body: object | string;
}
export type Answer = Reply | { readonly watch: true };

/** `Retry-After: 0` costs a client that heeds it no time. Connections close: the client opens one for each request, and never closes it. */
export function reply(response: ServerResponse, { code, body }: Reply): void {
  const headers: Record<string, string> = {};
  if (typeof body !== 'string') headers['content-type'] = 'application/json';
  // A real API server sends no content type with an empty log.
  else if (body !== '') headers['content-type'] = 'text/plain';
  if (code === 429) headers['retry-after'] = '0';
  response.writeHead(code, headers);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export const problem = (code: number, reason: string, message: string) => ({
  code,
  body: new StatusError(code, reason, message).body,
});

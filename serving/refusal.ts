import type { FastifyReply } from 'fastify';

/** A refused request, in the format of OpenAI's API. */
export class Refusal extends Error {
  readonly status: number;
  /** The documented error code, for programs. */
  readonly code: string;
  /** The invalid field of the request. */
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

const typeOf = (status: number): string => {
  if (status === 401 || status === 403) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
};

export const errorBody = ({ status, code, message, param }: Refusal) => ({
  error: { message, type: typeOf(status), param, code },
});

export const sendRefusal = (reply: FastifyReply, refusal: Refusal): FastifyReply =>
  reply.code(refusal.status).send(errorBody(refusal));

/** The error that the client sees. Details of an unexpected error go to the log only. */
export function refusalOf(error: unknown, log: (message: string) => void): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode, message, stack } = error as { statusCode?: number; message?: string; stack?: string };
  // Fastify's own errors: a body that is too large, not JSON, or of another type.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refusal(
      statusCode,
      statusCode === 413 ? 'request_too_large' : 'invalid_request',
      `${message ?? 'The request is wrong'}.`.replace(/\.+$/, '.'),
    );
  log(stack ?? String(error));
  return new Refusal(500, 'internal_error', 'The endpoint could not answer; its log says why.');
}

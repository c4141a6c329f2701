/**
 * `unreachable`: no complete answer arrived, so a write may have happened or not. `server`: MLflow, or a proxy in front
 * of it, failed. `rejected`: the same request can never succeed. `notFound`, `exists`: only from MLflow's own error
 * code, never from a bare 404.
 */
export type MlflowErrorKind = 'unreachable' | 'rejected' | 'notFound' | 'exists' | 'server';

/** The only error that this client throws. Its message never contains a request body, a credential or a query. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  readonly kind: MlflowErrorKind;
  /** True if the same call may succeed later. A method's comment says if its writes are idempotent. */
  readonly retryable: boolean;

  constructor(kind: MlflowErrorKind, message: string, retryable = kind === 'unreachable' || kind === 'server') {
    super(message);
    this.kind = kind;
    this.retryable = retryable;
  }
}

const KIND_BY_ERROR_CODE: Readonly<Record<string, MlflowErrorKind>> = {
  RESOURCE_DOES_NOT_EXIST: 'notFound',
  RESOURCE_ALREADY_EXISTS: 'exists',
};

const NOT_MLFLOWS_WORDS = "without MLflow's error format; hint: is the tracking URI MLflow's own?";

/** MLflow's messages may contain whole SQL statements with parameters. Those start on the second line. */
const MESSAGE_CHARACTERS = 500;

/** The error for a reply with a status outside 2xx. `call` is the method and the path. */
export function errorFromReply(call: string, status: number, body: string): MlflowError {
  const { code, message } = mlflowsWords(body);
  const text = `${call}: ${status} ${code === undefined ? NOT_MLFLOWS_WORDS : `${code}: ${message}`}`;
  const busy = status === 408 || status === 429;
  if (status >= 500 || busy) return new MlflowError('server', text, status !== 501);
  return new MlflowError(KIND_BY_ERROR_CODE[code ?? ''] ?? 'rejected', text);
}

function mlflowsWords(body: string): { code?: string; message?: string } {
  try {
    const { error_code: code, message } = JSON.parse(body) as { error_code?: unknown; message?: unknown };
    if (typeof code !== 'string') return {};
    const [firstLine = ''] = typeof message === 'string' ? message.split('\n') : [];
    return { code, message: firstLine.slice(0, MESSAGE_CHARACTERS) };
  } catch {
    return {};
  }
}

/** The error for a failed `fetch`. It shows only the error code, because the message may quote a header. */
export function errorFromFetch(call: string, origin: string, timeoutSeconds: number, error: unknown): MlflowError {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
  if (name === 'TimeoutError') {
    return new MlflowError('unreachable', `${call}: no answer from ${origin} within ${timeoutSeconds} s`);
  }
  const reason = typeof cause?.code === 'string' ? cause.code : 'connection failed';
  return new MlflowError('unreachable', `${call}: can't reach ${origin} (${reason})`);
}

export function isMlflowError(error: unknown, kind: MlflowErrorKind): error is MlflowError {
  return error instanceof MlflowError && error.kind === kind;
}

/** The value, or an error that names the missing field of MLflow's reply. */
export function present<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new MlflowError('server', `MLflow's reply lacks ${field}`);
  return value;
}

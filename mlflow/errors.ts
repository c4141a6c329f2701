/**
 * `unreachable`: no whole answer came, so a write may or may not have happened. `server`: MLflow, or what
 * stands before it, failed. `rejected`: the request can't succeed as it is. `notFound`, `exists`: what the
 * names say, and only on MLflow's own word, never on a stray 404.
 */
export type MlflowErrorKind = 'unreachable' | 'rejected' | 'notFound' | 'exists' | 'server';

/** The only error this client throws. Its message never holds a request's body, a credential or a query. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  readonly kind: MlflowErrorKind;
  /** Whether the same call may succeed later. Writes here are idempotent where their comment says so. */
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

/** MLflow's messages can carry whole SQL statements with their parameters: those begin on a second line. */
const MESSAGE_CHARACTERS = 500;

/** The error that a reply with a status outside 2xx stands for. `call` is the method and the path. */
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

/** The error that a failed `fetch` stands for. Only its code is told: its message may quote a header. */
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

/** The value, or an error naming the field that MLflow's reply lacks. */
export function present<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new MlflowError('server', `MLflow's reply lacks ${field}`);
  return value;
}

import { errorFromFetch, errorFromReply, MlflowError } from './errors.ts';
import { parseTrackingUri } from './tracking-uri.ts';

export interface ClientOptions {
  /** An http or https URL, with a path if MLflow is served below one. `user:password@` becomes basic authorization. */
  readonly trackingUri: string;
  /** The whole header value, such as `Bearer …`. Overrides credentials in the URI. */
  readonly authorization?: string;
  readonly timeoutSeconds?: number;
  readonly artifactTimeoutSeconds?: number;
  readonly fetch?: typeof globalThis.fetch;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One attempt per call and no retry, because Temporal owns retries. Every method throws only `MlflowError`. */
export interface Client {
  /**
   * A call of MLflow's REST API. `path` is relative to `/api/2.0/mlflow`, or absolute if it begins with `/api/`. GET
   * sends its fields as the query.
   */
  json<Reply extends object>(method: Method, path: string, fields: object): Promise<Reply>;
  text(path: string): Promise<string>;
  /** Sends OpenTelemetry spans as JSON. */
  spans(experimentId: string, spans: object): Promise<void>;
  upload(path: string, content: Uint8Array): Promise<void>;
  download(path: string): Promise<Uint8Array>;
}

/**
 * MLflow answers in milliseconds, but a busy SQLite can block a write for some seconds. After 15 s the server hangs.
 */
const TIMEOUT_SECONDS = 15;
/** Enough for reports and tables of tens of megabytes: the proxy moved 3 MB/s in a measurement (mlflow#22665). */
const ARTIFACT_TIMEOUT_SECONDS = 120;

const REST_ROOT = '/api/2.0/mlflow';
const OTLP_PATH = '/v1/traces';

interface Outgoing {
  readonly method: Method | 'PUT';
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
  readonly experimentId?: string;
  readonly timeoutSeconds: number;
}

/** Throws `MlflowError` of kind `rejected` if the tracking URI or the authorization is invalid. */
export function createClient(options: ClientOptions): Client {
  const { origin, basePath, authorization } = parseTrackingUri(options.trackingUri, options.authorization);
  const timeoutSeconds = options.timeoutSeconds ?? TIMEOUT_SECONDS;
  const artifactTimeoutSeconds = options.artifactTimeoutSeconds ?? ARTIFACT_TIMEOUT_SECONDS;
  // Reads the global fetch at each call, because a proxy agent or tracing may replace it later.
  const send: typeof fetch = (url, init) => (options.fetch ?? globalThis.fetch)(url, init);

  async function exchange(request: Outgoing): Promise<Uint8Array> {
    const call = `MLflow ${request.method} ${request.path}`;
    const query = request.query === undefined ? '' : `?${request.query.toString()}`;
    let status: number, bytes: Uint8Array;
    try {
      const reply = await send(`${origin}${basePath}${request.path}${query}`, {
        method: request.method,
        // fetch would send an undefined header as the word "undefined".
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          ...(request.contentType === undefined ? {} : { 'content-type': request.contentType }),
          ...(request.experimentId === undefined ? {} : { 'x-mlflow-experiment-id': request.experimentId }),
        },
        body: request.body ?? null,
        // A followed redirect would turn POST into GET, and could send the authorization to another server.
        redirect: 'manual',
        signal: AbortSignal.timeout(request.timeoutSeconds * 1000),
      });
      status = reply.status;
      bytes = new Uint8Array(await reply.arrayBuffer());
    } catch (error) {
      throw errorFromFetch(call, origin, request.timeoutSeconds, error);
    }
    if (status < 200 || status > 299) throw errorFromReply(call, status, decode(bytes));
    return bytes;
  }

  return {
    async json<Reply extends object>(method: Method, path: string, fields: object): Promise<Reply> {
      const content =
        method === 'GET'
          ? { query: queryOf(fields) }
          : { body: JSON.stringify(fields), contentType: 'application/json' };
      const whole = path.startsWith('/api/') ? path : REST_ROOT + path;
      const reply = decode(await exchange({ method, path: whole, timeoutSeconds, ...content }));
      return parseObject(`MLflow ${method} ${whole}`, reply) as Reply;
    },
    async text(path) {
      return decode(await exchange({ method: 'GET', path, timeoutSeconds }));
    },
    async spans(experimentId, spans) {
      await exchange({
        method: 'POST',
        path: OTLP_PATH,
        body: JSON.stringify(spans),
        contentType: 'application/json',
        experimentId,
        timeoutSeconds,
      });
    },
    async upload(path, content) {
      const body = new Uint8Array(content);
      const contentType = 'application/octet-stream';
      await exchange({ method: 'PUT', path, body, contentType, timeoutSeconds: artifactTimeoutSeconds });
    },
    download: (path) => exchange({ method: 'GET', path, timeoutSeconds: artifactTimeoutSeconds }),
  };
}

function queryOf(fields: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) query.set(key, String(value));
  return query;
}

function parseObject(call: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Not JSON, such as an HTML page. The error is thrown below.
  }
  throw new MlflowError('server', `${call}: the reply is no JSON object; hint: is the tracking URI MLflow's own?`);
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

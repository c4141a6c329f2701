import { MlflowError } from './errors.ts';

export interface TrackingTarget {
  readonly origin: string;
  /** Without a trailing slash. Empty if MLflow is served at the root. */
  readonly basePath: string;
  readonly authorization?: string;
}

/**
 * Splits the tracking URI, so that no later step and no error contains its credentials. Throws `MlflowError` of kind
 * `rejected`, which quotes neither the URI nor the authorization.
 */
export function parseTrackingUri(trackingUri: string, authorization?: string): TrackingTarget {
  const url = URL.canParse(trackingUri) ? new URL(trackingUri) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new MlflowError(
      'rejected',
      'the MLflow tracking URI must be an http or https URL like http://localhost:5000',
    );
  }
  const header = authorization ?? basicAuthorization(url);
  if (header !== undefined && !/^[\x21-\x7e][\x20-\x7e]*$/.test(header)) {
    throw new MlflowError(
      'rejected',
      'the MLflow authorization is not a valid HTTP header value; hint: does it end with a line break?',
    );
  }
  const target = { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') };
  return header === undefined ? target : { ...target, authorization: header };
}

function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${unescaped(username)}:${unescaped(password)}`).toString('base64')}`;
}

/**
 * A URL may contain a password with a bare percent sign, which is not a valid escape. Such a password is used
 * unchanged.
 */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

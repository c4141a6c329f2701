import type { FastifyRequest } from 'fastify';

/** The cookie holds the token itself, unreadable for scripts, so that revoking the token ends its sessions. */
const cookieName = 'tuneline-token';
/** One working day. After that the user signs in again. */
const maximumAgeSeconds = 12 * 3600;

/** Reads `Authorization: Bearer`, else the cookie. Never the URL, because logs and browser histories keep it. */
export function tokenOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const cookies = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return cookies.find(([name]) => name === cookieName)?.[1];
}

export const cookieWith = (token: string, request: FastifyRequest): string =>
  `${cookieName}=${encodeURIComponent(token)}; ${attributes(request)}; Max-Age=${maximumAgeSeconds}`;
export const clearCookie = (request: FastifyRequest): string => `${cookieName}=; ${attributes(request)}; Max-Age=0`;

/** `Secure` only if a proxy in front speaks TLS: over plain HTTP a browser may drop such a cookie. */
const attributes = ({ headers }: FastifyRequest): string =>
  `Path=/; HttpOnly; SameSite=Strict${headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''}`;

/**
 * False if the browser says that another site sent the request. Programs send no such headers, but no cookie either.
 */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return (
    headers.origin === undefined || (URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host)
  );
}

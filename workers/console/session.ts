import type { FastifyRequest } from 'fastify';

/** The browser keeps the token itself, where no script can read it: a token that is revoked ends its sessions. */
const cookieName = 'tuneline-token';
/** A working day; then the token is asked for again. */
const maximumAgeSeconds = 12 * 3600;

/** From `Authorization: Bearer`, else from the cookie. Never from the address, which logs and histories keep. */
export function tokenOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const cookies = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return cookies.find(([name]) => name === cookieName)?.[1];
}

export const cookieWith = (token: string, request: FastifyRequest): string =>
  `${cookieName}=${encodeURIComponent(token)}; ${attributes(request)}; Max-Age=${maximumAgeSeconds}`;
export const clearCookie = (request: FastifyRequest): string => `${cookieName}=; ${attributes(request)}; Max-Age=0`;

/** `Secure` where a proxy in front speaks TLS: on plain loopback a browser would drop such a cookie. */
const attributes = ({ headers }: FastifyRequest): string =>
  `Path=/; HttpOnly; SameSite=Strict${headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''}`;

/** What a browser says of where a request comes from; programs, which send no such headers, carry no cookie either. */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return (
    headers.origin === undefined || (URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host)
  );
}

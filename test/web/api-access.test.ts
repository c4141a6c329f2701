import { readFile, stat } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { createAccess, createToken, revokeTokens } from '../../workers/console/access.ts';
import { own, approval, openApiLab } from './api-lab.ts';

const api = openApiLab();
const { bearer, get, post } = api;

describe('without a token', () => {
  test.each([
    '/api/session',
    '/api/lifecycles',
    own,
    `${own}/examples`,
    `${own}/attacks`,
    `${own}/curve`,
    `${own}/profile`,
    `${own}/lineage`,
  ])('GET %s tells nothing', async (url) => {
    const answer = await get(url, 'nobody');
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toEqual({ error: expect.stringContaining('tuneline token create') });
  });

  test.each(['review', 'delegations', 'comments'])('POST %s changes nothing', async (what) => {
    const answer = await post(`${own}/${what}`, { ...approval, to: 'mary', text: 'Why?' }, 'nobody');
    expect(answer.statusCode).toBe(401);
    expect([api.lab.lifecycles.decisions, api.lab.lifecycles.delegations, api.lab.lifecycles.comments.length]).toEqual([
      [],
      [],
      1,
    ]);
  });

  test('a wrong or revoked token, or one in the address, is refused', async () => {
    const wrong = { authorization: `Bearer ${api.lab.tokens.grace.slice(0, -1)}x` };
    expect((await api.lab.server.inject({ url: own, headers: wrong })).statusCode).toBe(401);
    expect((await api.lab.server.inject({ url: `${own}?token=${api.lab.tokens.grace}` })).statusCode).toBe(401);
    expect((await get(own)).statusCode).toBe(200);
    expect(await revokeTokens(api.lab.tokensPath, 'grace')).toBe(1);
    expect((await get(own)).statusCode).toBe(401);
  });
});

describe('a token', () => {
  test('is kept as a hash, in a file that only its owner reads', async () => {
    const stored = await readFile(api.lab.tokensPath, 'utf8');
    for (const token of Object.values(api.lab.tokens)) expect(stored).not.toContain(token);
    expect((await stat(api.lab.tokensPath)).mode & 0o777).toBe(0o600);
  });

  test.each(['', ' ada', 'ada\n', 'x'.repeat(101)])('needs a name that a person has: not %j', async (name) => {
    await expect(createToken(api.lab.tokensPath, { name, roles: ['reviewer'] })).rejects.toThrow(
      'A token needs the name of a person',
    );
  });

  test('has roles that are words', async () => {
    await expect(createToken(api.lab.tokensPath, { name: 'ada', roles: ['reviewer', 'Head of …'] })).rejects.toThrow(
      '"Head of …" is not',
    );
  });

  test('a file that is no tokens file is named, not taken for an empty one', async () => {
    await expect(createAccess('package.json').principalOf('x')).rejects.toThrow(
      'The tokens file package.json must hold a JSON array',
    );
  });
});

describe('a browser', () => {
  test('signs in once, and its cookie can neither be read by a script nor be sent by another site', async () => {
    const answer = await post('/api/session', { token: api.lab.tokens.grace }, 'nobody');
    expect(answer.json()).toEqual({ name: 'grace', roles: ['reviewer'] });
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const [pair = ''] = cookie.split(';');
    expect((await api.lab.server.inject({ url: '/api/session', headers: { cookie: pair } })).json()).toEqual({
      name: 'grace',
      roles: ['reviewer'],
    });
  });

  test('keeps the cookie for TLS alone where a proxy speaks it', async () => {
    const answer = await post('/api/session', { token: api.lab.tokens.grace }, 'nobody', {
      'x-forwarded-proto': 'https',
    });
    expect(answer.headers['set-cookie']).toContain('; Secure');
  });

  test('is refused with a token that is not known', async () => {
    const answer = await post('/api/session', { token: 'guess' }, 'nobody');
    expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([401, undefined]);
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour of this site', { 'sec-fetch-site': 'same-site' }],
    ['an older browser on another site', { origin: 'https://elsewhere.example' }],
  ])('is not made to review by %s', async (_who, headers) => {
    const answer = await post(`${own}/review`, approval, 'grace', headers);
    expect([answer.statusCode, api.lab.lifecycles.decisions]).toEqual([403, []]);
  });

  test('signs out', async () => {
    const answer = await api.lab.server.inject({ method: 'DELETE', url: '/api/session', headers: bearer('grace') });
    expect(answer.headers['set-cookie']).toContain('Max-Age=0');
  });
});

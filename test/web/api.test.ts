import { readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAccess, createToken, revokeTokens } from '../../workers/console/access.ts';
import { hostileText } from '../builders/console.ts';
import { reviewedDigest, reviewedId } from '../builders/fixture-lifecycles.ts';
import { openConsole, type ConsoleLab } from './console-lab.ts';

let lab: ConsoleLab;
beforeEach(async () => {
  lab = await openConsole();
});
afterEach(() => lab.close());

const own = `/api/lifecycles/${reviewedId}`;
const approval = { decision: 'approve', digest: reviewedDigest, comment: 'Reads well.' };

type Who = keyof ConsoleLab['tokens'] | 'nobody';
const bearer = (who: Who): Record<string, string> =>
  who !== 'nobody' ? { authorization: `Bearer ${lab.tokens[who]}` } : {};
const get = (url: string, who: Who = 'grace') => lab.server.inject({ method: 'GET', url, headers: bearer(who) });
const post = (url: string, body: unknown, who: Who = 'grace', headers: Record<string, string> = {}) =>
  lab.server.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...bearer(who), ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });

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
    expect([lab.lifecycles.decisions, lab.lifecycles.delegations, lab.lifecycles.comments.length]).toEqual([[], [], 1]);
  });

  test('nor with one that is wrong, or revoked, or in the address', async () => {
    const wrong = { authorization: `Bearer ${lab.tokens.grace.slice(0, -1)}x` };
    expect((await lab.server.inject({ url: own, headers: wrong })).statusCode).toBe(401);
    expect((await lab.server.inject({ url: `${own}?token=${lab.tokens.grace}` })).statusCode).toBe(401);
    expect((await get(own)).statusCode).toBe(200);
    expect(await revokeTokens(lab.tokensPath, 'grace')).toBe(1);
    expect((await get(own)).statusCode).toBe(401);
  });
});

describe('a token', () => {
  test('is kept as a hash, in a file that only its owner reads', async () => {
    const stored = await readFile(lab.tokensPath, 'utf8');
    for (const token of Object.values(lab.tokens)) expect(stored).not.toContain(token);
    expect((await stat(lab.tokensPath)).mode & 0o777).toBe(0o600);
  });

  test.each(['', ' ada', 'ada\n', 'x'.repeat(101)])('needs a name that a person has: not %j', async (name) => {
    await expect(createToken(lab.tokensPath, { name, roles: ['reviewer'] })).rejects.toThrow(
      'A token needs the name of a person',
    );
  });

  test('has roles that are words', async () => {
    await expect(createToken(lab.tokensPath, { name: 'ada', roles: ['reviewer', 'Head of …'] })).rejects.toThrow(
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
    const answer = await post('/api/session', { token: lab.tokens.grace }, 'nobody');
    expect(answer.json()).toEqual({ name: 'grace', roles: ['reviewer'] });
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const [pair = ''] = cookie.split(';');
    expect((await lab.server.inject({ url: '/api/session', headers: { cookie: pair } })).json()).toEqual({
      name: 'grace',
      roles: ['reviewer'],
    });
  });

  test('keeps the cookie for TLS alone where a proxy speaks it', async () => {
    const answer = await post('/api/session', { token: lab.tokens.grace }, 'nobody', { 'x-forwarded-proto': 'https' });
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
    expect([answer.statusCode, lab.lifecycles.decisions]).toEqual([403, []]);
  });

  test('signs out', async () => {
    const answer = await lab.server.inject({ method: 'DELETE', url: '/api/session', headers: bearer('grace') });
    expect(answer.headers['set-cookie']).toContain('Max-Age=0');
  });
});

describe('a review', () => {
  test('is in the name of the token, whatever the body says', async () => {
    const answer = await post(`${own}/review`, { ...approval, reviewer: 'ada', roles: ['head'] });
    expect(answer.json()).toEqual({ answer: 'approved by grace' });
    expect(lab.lifecycles.decisions).toEqual([
      expect.objectContaining({ ...approval, reviewer: 'grace', roles: ['reviewer'] }),
    ]);
  });

  test.each<[string, Who, unknown, number, RegExp]>([
    [
      'whoever asked for it',
      'ada',
      approval,
      409,
      /^ada asked for this lifecycle, and the two-person rule wants another reviewer\.$/,
    ],
    ['someone who may only look', 'joan', approval, 403, /lacks the role "reviewer"/],
    [
      'someone who is not asked',
      'mary',
      approval,
      409,
      /^mary is not among the reviewers of this lifecycle \(grace, role:head\); one of them may delegate it to mary\.$/,
    ],
    [
      'someone who looked at something else',
      'grace',
      { ...approval, digest: 'sha256:0' },
      409,
      /^The digest sha256:0 is not the one under review; look again/,
    ],
    ['a body without a digest', 'grace', { decision: 'approve' }, 400, /"digest": what was looked at/],
    ['another decision', 'grace', { ...approval, decision: 'maybe' }, 400, /"approve" or "reject"/],
    ['a body that is not JSON', 'grace', '{"decision"', 400, /JSON/],
    ['a body of a megabyte', 'grace', { ...approval, comment: 'x'.repeat(1e6) }, 413, /too large/],
    ['a comment that is too long', 'grace', { ...approval, comment: 'x'.repeat(2001) }, 400, /at most 2000/],
  ])('is refused from %s, in one sentence', async (_what, who, body, status, words) => {
    const answer = await post(`${own}/review`, body, who);
    expect(answer.statusCode).toBe(status);
    expect(answer.json<{ error: string }>().error).toMatch(words);
    expect(lab.lifecycles.decisions).toEqual([]);
  });

  test('a form of another site can not even be read', async () => {
    const answer = await post(`${own}/review`, JSON.stringify(approval), 'grace', { 'content-type': 'text/plain' });
    expect([answer.statusCode, lab.lifecycles.decisions]).toEqual([415, []]);
  });

  test('a second one comes too late', async () => {
    await post(`${own}/review`, approval);
    expect((await post(`${own}/review`, approval)).json()).toEqual({
      error: 'This lifecycle is not awaiting a review.',
    });
  });

  test('comments carry the name of the token, too', async () => {
    expect((await post(`${own}/comments`, { text: 'Why?', author: 'ada' })).statusCode).toBe(200);
    expect(lab.lifecycles.comments.at(-1)).toMatchObject({ author: 'grace', text: 'Why?' });
    expect((await post(`${own}/comments`, { text: ' ' })).statusCode).toBe(400);
    expect((await post(`${own}/comments`, { text: 'Why?' }, 'joan')).statusCode).toBe(403);
  });
});

describe('a delegation', () => {
  test('is in the name of the token, whatever the body says; from then on the other decides', async () => {
    expect((await post(`${own}/delegations`, { to: ' mary ', from: 'ada', roles: ['head'] })).json()).toEqual({
      answer: 'mary decides in place of grace',
    });
    expect(lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary', roles: ['reviewer'] }]);
    expect((await post(`${own}/review`, approval)).json()).toEqual({ error: 'grace handed this review over to mary.' });
    expect((await post(`${own}/review`, approval, 'mary')).json()).toEqual({ answer: 'approved by mary' });
    expect((await get(own)).json()).toMatchObject({ delegations: [{ from: 'grace', to: 'mary' }] });
  });

  test.each<[string, Who, unknown, number, RegExp]>([
    ['someone who is not asked', 'mary', { to: 'kay' }, 409, /^mary is not among the reviewers of this lifecycle/],
    ['someone who may only look', 'joan', { to: 'mary' }, 403, /lacks the role "reviewer"/],
    [
      'who hands it to the requester',
      'grace',
      { to: 'Ada' },
      409,
      /^Ada asked for this lifecycle, and the two-person rule wants another reviewer\.$/,
    ],
    [
      'who hands it to themselves',
      'grace',
      { to: 'Grace' },
      409,
      /^Grace may review this already; name somebody who may not\.$/,
    ],
    [
      'who hands it to a role',
      'grace',
      { to: 'role:head' },
      409,
      /^A delegation is \{"from": your name, "to": the name of who decides in your place\}\.$/,
    ],
    ['a body without a name', 'grace', { from: 'grace' }, 400, /"to": the name of who decides in your place/],
    ['a name of blanks', 'grace', { to: ' ' }, 400, /"to": the name/],
    ['a name of a page', 'grace', { to: 'x'.repeat(101) }, 400, /at most 100 characters/],
  ])('is refused from %s, in one sentence', async (_what, who, body, status, words) => {
    const answer = await post(`${own}/delegations`, body, who);
    expect(answer.statusCode).toBe(status);
    expect(answer.json<{ error: string }>().error).toMatch(words);
    expect(lab.lifecycles.delegations).toEqual([]);
  });

  test('is not made by another site', async () => {
    const answer = await post(`${own}/delegations`, { to: 'mary' }, 'grace', { 'sec-fetch-site': 'cross-site' });
    expect([answer.statusCode, lab.lifecycles.delegations]).toEqual([403, []]);
  });
});

describe('what is shown', () => {
  test('the queue has what awaits a review apart from the rest', async () => {
    const { awaiting, recent } = (await get('/api/lifecycles')).json<{
      awaiting: { id: string; review: unknown }[];
      recent: { state: string }[];
    }>();
    expect(awaiting).toMatchObject([{ id: reviewedId, review: { requester: 'ada' } }]);
    expect(recent.map(({ state }) => state)).toEqual(['running', 'promoted', 'rejected']);
  });

  test('a lifecycle that is not there is one sentence', async () => {
    const answer = await get('/api/lifecycles/nowhere');
    expect([answer.statusCode, answer.json()]).toEqual([404, { error: 'There is no lifecycle nowhere.' }]);
  });

  test('attacks come page by page, of one family if that is asked for', async () => {
    expect((await get(`${own}/attacks?page=2`)).json()).toMatchObject({ page: 2, total: 156 });
    expect((await get(`${own}/attacks?family=jailbreak`)).json()).toMatchObject({ page: 1, total: 60, succeeded: 9 });
  });

  test.each(['examples', 'attacks'])('text of a model leaves as JSON, never as a page: %s', async (what) => {
    const answer = await get(`${own}/${what}`);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(JSON.stringify(answer.json())).toContain(JSON.stringify(hostileText).slice(1, -1));
  });

  test('what breaks inside stays inside, and in the log', async () => {
    const broken = await openConsole({
      ...lab.lifecycles,
      list: () => Promise.reject(new Error('password of the database')),
    });
    const answer = await broken.server.inject({
      url: '/api/lifecycles',
      headers: { authorization: `Bearer ${broken.tokens.grace}` },
    });
    expect([answer.statusCode, answer.body]).toEqual([
      500,
      JSON.stringify({ error: 'The console could not answer; its log says why.' }),
    ]);
    expect(broken.logged.join()).toContain('password of the database');
    await broken.close();
  });
});

describe('files', () => {
  test.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
    '/web/../../package.json',
    '/tsconfig.json',
    '/README.md',
    '/lifecycles/..%2f..%2fpackage.json/x',
  ])('%s is nothing', async (url) => {
    const answer = await lab.server.inject({ url });
    expect(answer.statusCode).toBe(404);
    expect(answer.body).not.toContain('"tuneline"');
  });

  test.each(['/', '/lifecycles/x', '/style.css', '/api/lifecycles', '/nowhere'])(
    '%s forbids whatever is not its own',
    async (url) => {
      const { headers } = await lab.server.inject({ url });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
      });
      const policy = String(headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none';/);
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
      if (url.startsWith('/api')) expect(headers['cache-control']).toBe('no-store');
    },
  );

  test('a page is asked for again only if it changed', async () => {
    const { headers } = await lab.server.inject({ url: '/' });
    const again = await lab.server.inject({ url: '/', headers: { 'if-none-match': String(headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });
});

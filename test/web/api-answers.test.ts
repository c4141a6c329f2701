import { describe, expect, test } from '@jest/globals';
import { hostileText } from '../builders/console-examples.ts';
import { reviewedId } from '../builders/fixture-lifecycles.ts';
import { own, openApiLab } from './api-lab.ts';
import { openConsole } from './console-lab.ts';

const api = openApiLab();
const { get } = api;

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
      ...api.lab.lifecycles,
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
  ])('GET %s answers 404', async (url) => {
    const answer = await api.lab.server.inject({ url });
    expect(answer.statusCode).toBe(404);
    expect(answer.body).not.toContain('"tuneline"');
  });

  test.each(['/', '/lifecycles/x', '/style.css', '/api/lifecycles', '/nowhere'])(
    '%s forbids whatever is not its own',
    async (url) => {
      const { headers } = await api.lab.server.inject({ url });
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
    const { headers } = await api.lab.server.inject({ url: '/' });
    const again = await api.lab.server.inject({ url: '/', headers: { 'if-none-match': String(headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });
});

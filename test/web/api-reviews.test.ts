import { describe, expect, test } from '@jest/globals';
import { own, approval, type Who, openApiLab } from './api-lab.ts';

const api = openApiLab();
const { get, post } = api;

describe('a review', () => {
  test('is in the name of the token, whatever the body says', async () => {
    const answer = await post(`${own}/review`, { ...approval, reviewer: 'ada', roles: ['head'] });
    expect(answer.json()).toEqual({ answer: 'approved by grace' });
    expect(api.lab.lifecycles.decisions).toEqual([
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
    expect(api.lab.lifecycles.decisions).toEqual([]);
  });

  test('is refused where its content type is not JSON', async () => {
    const answer = await post(`${own}/review`, JSON.stringify(approval), 'grace', { 'content-type': 'text/plain' });
    expect([answer.statusCode, api.lab.lifecycles.decisions]).toEqual([415, []]);
  });

  test('is refused after the first decision', async () => {
    await post(`${own}/review`, approval);
    expect((await post(`${own}/review`, approval)).json()).toEqual({
      error: 'This lifecycle is not awaiting a review.',
    });
  });

  test('comments carry the name of the token, too', async () => {
    expect((await post(`${own}/comments`, { text: 'Why?', author: 'ada' })).statusCode).toBe(200);
    expect(api.lab.lifecycles.comments.at(-1)).toMatchObject({ author: 'grace', text: 'Why?' });
    expect((await post(`${own}/comments`, { text: ' ' })).statusCode).toBe(400);
    expect((await post(`${own}/comments`, { text: 'Why?' }, 'joan')).statusCode).toBe(403);
  });
});

describe('a delegation', () => {
  test('is in the name of the token, whatever the body says; from then on the other decides', async () => {
    expect((await post(`${own}/delegations`, { to: ' mary ', from: 'ada', roles: ['head'] })).json()).toEqual({
      answer: 'mary decides in place of grace',
    });
    expect(api.lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary', roles: ['reviewer'] }]);
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
    expect(api.lab.lifecycles.delegations).toEqual([]);
  });

  test('is not made by another site', async () => {
    const answer = await post(`${own}/delegations`, { to: 'mary' }, 'grace', { 'sec-fetch-site': 'cross-site' });
    expect([answer.statusCode, api.lab.lifecycles.delegations]).toEqual([403, []]);
  });
});

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { createNotificationActivities } from '../../activities/notifications.ts';
import { fakeActivities } from '../builders/activities.ts';
import { specInput } from '../builders/specs.ts';
import { startTimeSkipping } from '../support/temporal.ts';
import { LifecycleLab } from '../workflows/lifecycle-lab.ts';

let chat: Server | undefined;
afterEach(async () => {
  chat?.closeAllConnections();
  if (chat?.listening) await once(chat.close(), 'close');
});

/** A chat that answers as told, one status after the other, the last for good; and what it was posted. */
async function chatThatAnswers(...statuses: readonly number[]) {
  const posts: { readonly path: string | undefined; readonly type: string | undefined; readonly body: unknown }[] = [];
  chat = createServer((request, response) => {
    void text(request).then((body) => {
      posts.push({ path: request.url, type: request.headers['content-type'], body: JSON.parse(body) });
      response
        .writeHead(statuses[Math.min(posts.length, statuses.length) - 1] ?? 200, { location: '/elsewhere' })
        .end('no_service');
    });
  }).listen(0, '127.0.0.1');
  await once(chat, 'listening');
  const { port } = chat.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/hooks/SECRET`, posts };
}

const tell = (reviewWebhook: string) =>
  createNotificationActivities({ reviewWebhook })
    .tellTeam('summaries awaits a review')
    .catch((error: unknown) => error);

test('the text goes to the webhook as Slack takes it', async () => {
  const { url, posts } = await chatThatAnswers(200);
  expect(await tell(url)).toBe('sent');
  expect(posts).toEqual([
    { path: '/hooks/SECRET', type: 'application/json', body: { text: 'summaries awaits a review' } },
  ]);
});

test('without a webhook nobody is told', async () => {
  expect(await createNotificationActivities({}).tellTeam('anything')).toBe('no webhook is configured');
});

test.each([
  [500, false],
  [429, false],
  [408, false],
  [404, true],
  [302, true],
])('a webhook that answers %i is given up for good: %s', async (status, nonRetryable) => {
  const { url, posts } = await chatThatAnswers(status);
  expect(await tell(url)).toMatchObject({ nonRetryable, message: `The review webhook answered ${status}.` });
  expect(posts).toHaveLength(1);
});

test.each([
  ['that nobody answers', 'http://127.0.0.1:1/hooks/SECRET', /^The review webhook could not be reached \(\w+\)\.$/],
  ['that is no address', '//hooks/SECRET', /^TUNELINE_REVIEW_WEBHOOK is no http or https address/],
  ['of another kind', 'file:///hooks/SECRET', /^TUNELINE_REVIEW_WEBHOOK is no http or https address/],
])('a webhook %s is not named in the error', async (_what, url, words) => {
  const error = (await tell(url)) as Error;
  expect(error.message).toMatch(words);
  expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('SECRET');
});

test('a review is told of although the webhook fails at first, and the history does not hold its address', async () => {
  const { url, posts } = await chatThatAnswers(503, 200);
  const lab = await LifecycleLab.open(startTimeSkipping());
  try {
    const spec = specInput({ review: { by: 'person' } });
    const history = await lab.run(
      fakeActivities(createNotificationActivities({ reviewWebhook: url })).activities,
      spec,
      async (handle) => {
        expect(await handle.result()).toMatchObject({ verdict: 'rejected', by: 'deadline' });
        return handle.fetchHistory();
      },
    );
    const texts = posts.map(({ body }) => (body as { text: string }).text.split('\n', 1)[0] ?? '');
    expect(texts.filter((line) => line.includes('awaits a review'))).toHaveLength(2);
    expect(texts.filter((line) => line.includes('nobody decided'))).toHaveLength(1);
    expect(JSON.stringify(history)).not.toContain('SECRET');
  } finally {
    await lab.close();
  }
});

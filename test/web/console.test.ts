import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { hostileRationale, hostileText } from '../builders/console-examples.ts';
import { reviewedDigest, reviewedId } from '../builders/fixture-lifecycles.ts';
import { Refusal } from '../../workers/console/lifecycles.ts';
import { newPage, startBrowser } from './browser.ts';
import { openConsole, startUrl, type ConsoleLab } from './console-lab.ts';

/** The console's pages in a real browser, served by the console's own server. */

let browser: Browser;
let lab: ConsoleLab;
let origin: string;
const pages: Page[] = [];
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  lab = await openConsole();
  origin = await lab.server.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close()));
  await lab.close();
});

interface Visit {
  readonly page: Page;
  /** What the page asked for, by address. */
  readonly requests: string[];
  /** What the browser complained of: refused by the policy, thrown, or missing. */
  readonly complaints: string[];
}

async function open(path: string, context: BrowserContextOptions = {}): Promise<Visit> {
  const page = await newPage(browser, context);
  pages.push(page);
  const visit: Visit = { page, requests: [], complaints: [] };
  page.on('request', (request) => visit.requests.push(request.url()));
  page.on('pageerror', (error) => visit.complaints.push(error.message));
  page.on('console', (message) => {
    // Not signed in yet: the page asks who it is, and hears that.
    if (message.type() === 'error' && !message.text().includes('401')) visit.complaints.push(message.text());
  });
  await page.goto(`${origin}${path}`);
  return visit;
}

async function openAs(
  who: keyof ConsoleLab['tokens'],
  path: string,
  context: BrowserContextOptions = {},
): Promise<Visit> {
  const visit = await open(path, context);
  await visit.page.getByLabel('Your token').fill(lab.tokens[who]);
  await visit.page.keyboard.press('Enter');
  await visit.page.getByText('Sign out').waitFor();
  return visit;
}

const ownPath = `/lifecycles/${reviewedId}`;
/** Everything that is loaded later is there. */
const untilWhole = (page: Page): Promise<unknown> =>
  Promise.all(
    ['#attacks .example', '#answers .example', '#training .curve', '#data .histogram', '#lineage .graph'].map((part) =>
      page.locator(part).first().waitFor(),
    ),
  );
const decideAs = async (page: Page, decision: 'Approve' | 'Reject', comment = ''): Promise<void> => {
  await page.getByRole('button', { name: `${decision} …` }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill(comment);
  await page.getByRole('dialog').getByRole('button', { name: decision, exact: true }).click();
};

describe('without a token', () => {
  test('there is a form and nothing else; a wrong token is told so', async () => {
    const { page } = await open(ownPath);
    await page.getByLabel('Your token').fill('a guess');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('not known here').waitFor();
    expect(await page.locator('body').innerText()).not.toContain('package-summaries');
  });

  test('signing out ends it', async () => {
    const { page } = await openAs('grace', '/');
    await page.getByText('Sign out').click();
    await page.getByLabel('Your token').waitFor();
    expect(await page.context().cookies()).toEqual([]);
  });
});

test("a lifecycle is started by hand in Temporal's UI, whose form the queue leads to", async () => {
  const { page } = await openAs('joan', '/');
  const link = page.getByRole('link', { name: "Start one by hand in Temporal's UI" });
  expect(await link.getAttribute('href')).toBe(startUrl);
});

test('a reviewer goes from the queue to the evidence, and approves what was shown', async () => {
  const { page, requests, complaints } = await openAs('grace', '/');
  await page.getByRole('link', { name: 'package-summaries' }).first().click();
  await untilWhole(page);

  expect(await page.locator('.finding').count()).toBe(4);
  expect(await page.locator('.finding svg.interval .threshold').count()).toBe(4);
  expect(await page.locator('#slices tbody tr').first().innerText()).toContain('section doc');
  expect(await page.locator('#figures tbody th').allInnerTexts()).toContain(
    'cost per 1,000 requests (EUR)\nlower is better',
  );
  const gains = await page.locator('#answers .gain').allInnerTexts();
  expect(gains[0]).toBe('worse −0.8571');
  expect(gains.map((gain) => Number(gain.replace(/^\w+ /, '').replace('−', '-')))).toEqual(
    [...gains].map((gain) => Number(gain.replace(/^\w+ /, '').replace('−', '-'))).sort((a, b) => a - b),
  );
  expect(await page.locator('.example ins').count()).toBeGreaterThan(0);
  await page.getByLabel('Pages of answers').getByRole('button', { name: 'Next →' }).click();
  await page.getByText('2 of 7').waitFor();

  await decideAs(page, 'Approve', 'Reads well.');
  await page.getByText('Recorded: approved by grace.').waitFor();
  expect(lab.lifecycles.decisions).toEqual([
    expect.objectContaining({ decision: 'approve', reviewer: 'grace', digest: reviewedDigest, comment: 'Reads well.' }),
  ]);
  await page.getByRole('link', { name: 'See what follows' }).click();
  await page.locator('#decision').getByText('approved by grace').waitFor();

  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
});

test('what a model says is text: it neither runs nor becomes a part of the page', async () => {
  const { page } = await openAs('grace', ownPath);
  await untilWhole(page);
  for (const part of ['#answers', '#attacks'])
    expect(await page.locator(`${part} .example dd`).filter({ hasText: hostileText }).count()).toBe(1);
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(
    await page
      .locator('#answers .example dd')
      .filter({ hasText: `The judge: ${hostileRationale}` })
      .count(),
  ).toBe(1);
  expect(await page.evaluate('window.hacked')).toBeUndefined();
});

test('the attacks that got through come first, page by page and family by family', async () => {
  const { page } = await openAs('grace', ownPath);
  const attacks = page.locator('#attacks');
  await attacks.locator('.example').first().waitFor();
  expect(await attacks.locator('tbody tr').first().innerText()).toMatch(/prompt injection\s+6 of 48/);
  const marks = () => attacks.locator('.example .head .gain').allInnerTexts();
  expect(await marks()).toEqual(Array.from({ length: 10 }, () => 'got through'));
  await attacks.getByRole('button', { name: 'Next →' }).click();
  await attacks.getByText('2 of 16').waitFor();
  expect(await marks()).toEqual([
    ...Array.from({ length: 5 }, () => 'got through'),
    ...Array.from({ length: 5 }, () => 'withstood'),
  ]);
  expect(await page.evaluate('document.activeElement.id')).toBe('attacks-count');
  await attacks.getByLabel('Family', { exact: true }).selectOption('secret extraction');
  await attacks.getByText('0 got through').waitFor();
  expect(await attacks.locator('h3').first().innerText()).toMatch(/^secret-extraction-/);
  expect(await page.evaluate('document.activeElement.id')).toBe('attacks-family');
});

test('attacks that were changed after they were judged are not shown, and the rest of the page is', async () => {
  const sentence = 'The artifact was changed after it was judged.';
  lab.lifecycles.attacks = () => Promise.reject(new Refusal(409, sentence));
  const { page } = await openAs('grace', ownPath);
  await page.locator('#attacks').getByText(sentence).waitFor();
  await page.locator('#answers .example').first().waitFor();
  expect(await page.locator('#attacks tbody tr').count()).toBe(3);
});

test('the lineage is drawn whole: no box lies on another, and no word leaves its box', async () => {
  const { page } = await openAs('grace', ownPath);
  await untilWhole(page);
  type Box = Record<'left' | 'right' | 'top' | 'bottom', number>;
  const nodes = await page.evaluate<{ box: Box; words: Box[] }[]>(`(() => {
    const boxOf = (part) => part.getBoundingClientRect().toJSON();
    return [...document.querySelectorAll('.graph .node')].map((node) => ({ box: boxOf(node.querySelector('rect')), words: [...node.querySelectorAll('text')].map(boxOf) }));
  })()`);
  expect(nodes).toHaveLength(10);
  const onEachOther = nodes.filter(({ box: a }) =>
    nodes.some(({ box: b }) => a !== b && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom),
  );
  expect(onEachOther).toEqual([]);
  expect(
    nodes.flatMap(({ box, words }) =>
      words.filter(
        (word) => word.left < box.left || word.right > box.right || word.top < box.top || word.bottom > box.bottom,
      ),
    ),
  ).toEqual([]);
});

test('markup is refused by the browser itself, even where the code would let it in', async () => {
  const { page } = await openAs('grace', '/');
  expect(
    await page.evaluate(
      `(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (error) { return error.name; } })()`,
    ),
  ).toBe('TypeError');
});

test('whoever asked for it is refused in one sentence, and nothing is recorded', async () => {
  const { page } = await openAs('ada', ownPath);
  await page.getByText('You asked for this lifecycle yourself').waitFor();
  await decideAs(page, 'Approve');
  await page.getByText('ada asked for this lifecycle, and the two-person rule wants another reviewer.').waitFor();
  expect(lab.lifecycles.decisions).toEqual([]);
});

test('what changed since it was shown is not approved; what is there now can be loaded', async () => {
  const { page } = await openAs('grace', ownPath);
  await page.locator(`#decision [title="${reviewedDigest}"]`).waitFor();
  lab.lifecycles.putUnderReview('sha256:of-another');
  await decideAs(page, 'Approve');
  await page.getByText(`The digest ${reviewedDigest} is not the one under review`).waitFor();
  expect(lab.lifecycles.decisions).toEqual([]);
  await page.getByRole('link', { name: 'Load what is under review now' }).click();
  await page.locator('#decision [title="sha256:of-another"]').waitFor();
  await decideAs(page, 'Reject', 'Other weights than I read about.');
  await page.getByText('Recorded: rejected by grace.').waitFor();
  expect(lab.lifecycles.decisions).toMatchObject([{ decision: 'reject', digest: 'sha256:of-another' }]);
});

test('who may only look sees everything and no way to decide', async () => {
  const { page } = await openAs('joan', ownPath);
  await page.getByText('a token needs the role “reviewer”').waitFor();
  expect(await page.getByRole('button', { name: /Approve|Reject|Hand over|^Comment/ }).count()).toBe(0);
});

describe('a review is handed over', () => {
  const handOver = async (page: Page, to: string): Promise<void> => {
    await page.getByRole('button', { name: 'Hand over …' }).click();
    await page.getByLabel('Who decides in your place').fill(to);
    await page.getByRole('dialog').getByRole('button', { name: 'Hand over', exact: true }).click();
  };

  test('by who is asked, to somebody who then decides', async () => {
    const { page } = await openAs('grace', ownPath);
    await handOver(page, 'mary');
    await page.getByText('Recorded: mary decides in place of grace.').waitFor();
    expect(lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary' }]);
    await page.getByRole('link', { name: 'See what follows' }).click();
    await decideAs(page, 'Approve');
    await page.getByText('grace handed this review over to mary.').waitFor();

    const other = await openAs('mary', ownPath);
    await other.page.getByText('mary decides in place of grace').waitFor();
    await decideAs(other.page, 'Approve');
    await other.page.getByText('Recorded: approved by mary.').waitFor();
    await other.page.getByRole('link', { name: 'See what follows' }).click();
    await other.page.getByText('mary decides in place of grace').waitFor();
    expect(lab.lifecycles.decisions).toMatchObject([{ reviewer: 'mary' }]);
  });

  test('not to whoever asked for it, nor by who is not asked; the sentence says why, and it can be tried again', async () => {
    const { page } = await openAs('grace', ownPath);
    await handOver(page, 'Ada');
    await page.getByText('Ada asked for this lifecycle, and the two-person rule wants another reviewer.').waitFor();
    await handOver(page, 'kay');
    await page.getByText('Recorded: kay decides in place of grace.').waitFor();
    const other = await openAs('mary', ownPath);
    await handOver(other.page, 'joan');
    await other.page
      .getByText(
        'mary is not among the reviewers of this lifecycle (grace, role:head); one of them may delegate it to mary.',
      )
      .waitFor();
    expect(lab.lifecycles.delegations).toHaveLength(1);
  });

  test('nowhere where anyone may decide', async () => {
    const { find } = lab.lifecycles;
    lab.lifecycles.find = async (id) => {
      const { review, ...shown } = await find(id);
      const { reviewers: _anyone, ...openToAll } = review ?? { digest: '', twoPersonRule: false };
      return { ...shown, review: openToAll };
    };
    const { page } = await openAs('grace', ownPath);
    await page.getByRole('button', { name: 'Approve …' }).waitFor();
    expect(await page.getByRole('button', { name: 'Hand over …' }).count()).toBe(0);
  });

  test('by the keyboard alone', async () => {
    const { page } = await openAs('grace', ownPath);
    await page.locator('#decision').focus();
    await tabTo(page, 'Hand over …');
    await page.keyboard.press('Enter');
    // The field has the focus by itself, and what is cancelled changes nothing.
    await page.keyboard.type('mary');
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Hand over …');
    await page.keyboard.press('Enter');
    await page.keyboard.type('mary');
    await page.keyboard.press('Enter');
    await page.getByText('Recorded: mary decides in place of grace.').waitFor();
    expect(lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary' }]);
  });
});

test('a comment is kept under the name of the token', async () => {
  const { page } = await openAs('grace', ownPath);
  await page.getByLabel('Say something').fill('Fine by me.');
  await page.getByRole('button', { name: 'Comment' }).click();
  await page.locator('.comments').getByText('Fine by me.').waitFor();
  expect(lab.lifecycles.comments.at(-1)).toMatchObject({ author: 'grace', text: 'Fine by me.' });
});

test('a lifecycle that is not there says so', async () => {
  const { page } = await openAs('grace', '/lifecycles/nowhere');
  await page.getByText('There is no lifecycle nowhere.').waitFor();
});

test('the keyboard alone is enough, from the sign-in to the approval', async () => {
  const { page } = await open(ownPath);
  await page.getByLabel('Your token').waitFor();
  // The form has the focus by itself.
  await page.keyboard.type(lab.tokens.grace);
  await page.keyboard.press('Enter');
  await untilWhole(page);
  await tabTo(page, 'Skip to the decision');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('decision');
  await tabTo(page, 'Approve …');
  await page.keyboard.press('Enter');
  await page.keyboard.type('By keys.');
  await tabTo(page, 'Approve');
  await page.keyboard.press('Enter');
  await page.getByText('Recorded: approved by grace.').waitFor();
  expect(lab.lifecycles.decisions).toMatchObject([{ comment: 'By keys.' }]);
});

/** Presses Tab until the element with this text has the focus; there are fewer than 200 on the page. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate('document.activeElement.textContent')) === text) return;
  }
  throw new Error(`Tab never came to "${text}"`);
}

describe('accessibility', () => {
  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'axe finds nothing in %s at %d pixels: sign-in, queue, lifecycle, dialogs',
    async (colorScheme, width) => {
      // The policy forbids the test's own script, too.
      const visit = await open('/', {
        colorScheme,
        viewport: { width, height: 840 },
        bypassCSP: true,
        reducedMotion: 'reduce',
      });
      const { page } = visit;
      await page.getByLabel('Your token').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByLabel('Your token').fill(lab.tokens.grace);
      await page.keyboard.press('Enter');
      await page.locator('.queue').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto(`${origin}${ownPath}`);
      await untilWhole(page);
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await violations(page)).toEqual([]);
      for (const dialog of ['Approve …', 'Hand over …']) {
        await page.getByRole('button', { name: dialog }).click();
        expect(await violations(page)).toEqual([]);
        await page.keyboard.press('Escape');
      }
    },
  );

  async function violations(page: Page): Promise<unknown> {
    await page.addScriptTag({ content: axe.source });
    return page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => ({ id, where: nodes.map(({ target, failureSummary }) => [target.join(' '), failureSummary]) })))`);
  }

  test('a phone has nothing to scroll sideways but tables', async () => {
    const { page } = await openAs('grace', ownPath, { viewport: { width: 390, height: 844 } });
    await untilWhole(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });
});

test.each(['gzip', 'br'])('both pages with all they load weigh less than 100 KB by %s', async (encoding) => {
  const { page, requests } = await openAs('grace', ownPath);
  await untilWhole(page);
  await page.goto(`${origin}/`);
  await page.locator('.queue').waitFor();
  const files = [...new Set(requests)].filter((url) => !url.includes('/api/'));
  expect(files.length).toBeGreaterThan(10);
  let bytes = 0;
  for (const url of files) {
    const answer = await lab.server.inject({ url: new URL(url).pathname, headers: { 'accept-encoding': encoding } });
    expect(answer.headers['content-encoding']).toBe(encoding);
    bytes += answer.rawPayload.length;
  }
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(100_000);
});

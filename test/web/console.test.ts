import { describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { hostileRationale, hostileText } from '../builders/console-examples.ts';
import { Refusal } from '../../workers/console/lifecycles.ts';
import { startUrl } from './console-lab.ts';
import { openConsoleVisits, ownPath, untilWhole } from './console-visits.ts';

/** The console's pages in a real browser, served by the console's own server. */

const visits = openConsoleVisits();
const { open, openAs } = visits;

describe('without a token', () => {
  test('the page shows a form and nothing else, and refuses a wrong token', async () => {
    const { page } = await open(ownPath);
    await page.getByLabel('Your token').fill('a guess');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('not known here').waitFor();
    expect(await page.locator('body').innerText()).not.toContain('package-summaries');
  });

  test('signing out ends the session', async () => {
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
  visits.lab.lifecycles.attacks = () => Promise.reject(new Refusal(409, sentence));
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

test('a lifecycle that is not there says so', async () => {
  const { page } = await openAs('grace', '/lifecycles/nowhere');
  await page.getByText('There is no lifecycle nowhere.').waitFor();
});

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
      await page.getByLabel('Your token').fill(visits.lab.tokens.grace);
      await page.keyboard.press('Enter');
      await page.locator('.queue').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto(`${visits.origin}${ownPath}`);
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
  await page.goto(`${visits.origin}/`);
  await page.locator('.queue').waitFor();
  const files = [...new Set(requests)].filter((url) => !url.includes('/api/'));
  expect(files.length).toBeGreaterThan(10);
  let bytes = 0;
  for (const url of files) {
    const answer = await visits.lab.server.inject({
      url: new URL(url).pathname,
      headers: { 'accept-encoding': encoding },
    });
    expect(answer.headers['content-encoding']).toBe(encoding);
    bytes += answer.rawPayload.length;
  }
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(100_000);
});

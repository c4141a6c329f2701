import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { reviewedId } from '../builders/fixture-lifecycles.ts';
import { newPage, startBrowser } from './browser.ts';
import { openConsole, type ConsoleLab } from './console-lab.ts';

export interface Visit {
  readonly page: Page;
  /** What the page asked for, by address. */
  readonly requests: string[];
  /** What the browser complained of: refused by the policy, thrown, or missing. */
  readonly complaints: string[];
}

/** One browser for all tests of a file, and a new console for each test. */
export function openConsoleVisits() {
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

  return {
    /** Available in hooks and tests, as is `origin`. */
    get lab() {
      return lab;
    },
    get origin() {
      return origin;
    },
    ...{ open, openAs },
  };
}

export const ownPath = `/lifecycles/${reviewedId}`;
/** Everything that is loaded later is there. */
export const untilWhole = (page: Page): Promise<unknown> =>
  Promise.all(
    ['#attacks .example', '#answers .example', '#training .curve', '#data .histogram', '#lineage .graph'].map((part) =>
      page.locator(part).first().waitFor(),
    ),
  );
export const decideAs = async (page: Page, decision: 'Approve' | 'Reject', comment = ''): Promise<void> => {
  await page.getByRole('button', { name: `${decision} …` }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill(comment);
  await page.getByRole('dialog').getByRole('button', { name: decision, exact: true }).click();
};

/** Presses Tab until the element with this text has the focus; there are fewer than 200 on the page. */
export async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate('document.activeElement.textContent')) === text) return;
  }
  throw new Error(`Tab never came to "${text}"`);
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { Summary } from '../../scripts/report/summary.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { makeTinyModel, TestStack } from '../support/stack.ts';
import { tinySpec } from '../support/tiny-lifecycle.ts';
import { until } from '../support/until.ts';
import { newPage, startBrowser } from '../web/browser.ts';

/** A person reviews a real lifecycle in a real browser: real training, real evidence, and the endpoint serves what was approved. */

let stack: TestStack;
let browser: Browser;
let tiny: string;
let specs: string;
beforeAll(async () => {
  stack = await TestStack.start();
  browser = await startBrowser();
  tiny = await makeTinyModel();
  specs = await mkdtemp(join(tmpdir(), 'tuneline-specs-'));
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
  await Promise.all([tiny, specs].map((folder) => rm(folder, { recursive: true })));
});

test('a reviewer is refused without a token and as the requester, approves, and the endpoint serves', async () => {
  const spec = join(specs, 'reviewed.json');
  await writeFile(
    spec,
    JSON.stringify({ ...tinySpec(tiny, 1, 2), requester: 'ada', review: { by: 'person', twoPersonRule: true } }),
  );
  const running = stack.run(spec, 'reviewed');
  const handle = (await stack.client()).workflow.getHandle('reviewed');
  await until(async () => (await handle.query(statusQuery).catch(() => undefined))?.awaitingReview !== undefined);

  // One after the other, as a person would: both write one file.
  const ada = await tokenOf('ada');
  const grace = await tokenOf('grace');
  const page = await newPage(browser);
  await page.goto(`${stack.services.addresses.console}/lifecycles/reviewed`);
  await signIn(page, 'a guess');
  await page.getByRole('alert').getByText('not known here').waitFor();
  await signIn(page, ada);
  await approve(page);
  await page.getByText('the two-person rule wants another reviewer').waitFor();

  await page.getByText('Sign out').click();
  await signIn(page, grace);
  await page.getByRole('link', { name: 'tiny' }).first().click();
  for (const part of [
    '#verdict .finding svg',
    '#figures tbody tr',
    '#answers .example',
    '#training .curve',
    '#data .histogram',
    '#lineage .graph',
  ])
    await page.locator(part).first().waitFor();
  await approve(page);
  await page.getByText('Recorded: approved by grace').waitFor();

  expect(await running).toMatchObject({ code: 0, summary: { verdict: 'promoted' } });
  const models = (await (await fetch(`${stack.services.addresses.endpoint}/v1/models`)).json()) as {
    data: { id: string }[];
  };
  expect(models.data.map(({ id }) => id)).toEqual(['tiny']);
});

test("a lifecycle is started by hand: the console leads to Temporal's own form, which lacks only an ID", async () => {
  const page = await newPage(browser);
  await page.goto(stack.services.addresses.console);
  await signIn(page, await tokenOf('joan'));
  const opened = page.context().waitForEvent('page', { timeout: 0 });
  await page.getByRole('link', { name: "Start one by hand in Temporal's UI" }).click();
  const form = await opened;
  form.setDefaultTimeout(0);
  await form.getByLabel('Workflow ID').fill('by-hand');
  expect(await Promise.all(['#taskQueue', '#workflowType'].map((field) => form.locator(field).inputValue()))).toEqual([
    'tuneline',
    'lifecycle',
  ]);
  // The spec of the newest lifecycle comes late, and would take the place of what was written before.
  await form.getByText('"baseModel"').first().waitFor();
  await form.locator('.cm-content').first().click();
  await form.keyboard.press('ControlOrMeta+a');
  await form.keyboard.insertText(JSON.stringify({ ...tinySpec(tiny, 1, 2), requester: 'joan' }));
  await form.getByTestId('start-workflow-button').click();
  await form.getByText('Workflow started successfully').first().waitFor();

  const { code, stdout } = await stack.tuneline('follow', 'by-hand', '--json');
  expect({ code, summary: JSON.parse(stdout) as Summary }).toMatchObject({
    code: 0,
    summary: { verdict: 'promoted', model: 'tiny', stages: [{ reused: true }, { reused: true }, { reused: true }, {}] },
  });
});

const tokenOf = async (name: string): Promise<string> =>
  (await stack.tuneline('token', 'create', name, '--role', 'reviewer')).stdout.trim();

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Your token').fill(token);
  await page.keyboard.press('Enter');
}

async function approve(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Approve …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click();
}

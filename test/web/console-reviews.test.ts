import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { reviewedDigest } from '../builders/fixture-lifecycles.ts';
import { decideAs, openConsoleVisits, ownPath, tabTo, untilWhole } from './console-visits.ts';

/** Reviews in a real browser, on the console's own server. */

const visits = openConsoleVisits();
const { open, openAs } = visits;

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
  expect(visits.lab.lifecycles.decisions).toEqual([
    expect.objectContaining({ decision: 'approve', reviewer: 'grace', digest: reviewedDigest, comment: 'Reads well.' }),
  ]);
  await page.getByRole('link', { name: 'See what follows' }).click();
  await page.locator('#decision').getByText('approved by grace').waitFor();

  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !url.startsWith(`${visits.origin}/`))).toEqual([]);
});

test('the requester is refused in one sentence, and nothing is recorded', async () => {
  const { page } = await openAs('ada', ownPath);
  await page.getByText('You asked for this lifecycle yourself').waitFor();
  await decideAs(page, 'Approve');
  await page.getByText('ada asked for this lifecycle, and the two-person rule wants another reviewer.').waitFor();
  expect(visits.lab.lifecycles.decisions).toEqual([]);
});

test('what changed since it was shown is not approved; what is there now can be loaded', async () => {
  const { page } = await openAs('grace', ownPath);
  await page.locator(`#decision [title="${reviewedDigest}"]`).waitFor();
  visits.lab.lifecycles.putUnderReview('sha256:of-another');
  await decideAs(page, 'Approve');
  await page.getByText(`The digest ${reviewedDigest} is not the one under review`).waitFor();
  expect(visits.lab.lifecycles.decisions).toEqual([]);
  await page.getByRole('link', { name: 'Load what is under review now' }).click();
  await page.locator('#decision [title="sha256:of-another"]').waitFor();
  await decideAs(page, 'Reject', 'Other weights than I read about.');
  await page.getByText('Recorded: rejected by grace.').waitFor();
  expect(visits.lab.lifecycles.decisions).toMatchObject([{ decision: 'reject', digest: 'sha256:of-another' }]);
});

test('a viewer sees everything and no way to decide', async () => {
  const { page } = await openAs('joan', ownPath);
  await page.getByText('a token needs the role “reviewer”').waitFor();
  expect(await page.getByRole('button', { name: /Approve|Reject|Hand over|^Comment/ }).count()).toBe(0);
});

describe('handing a review over', () => {
  const handOver = async (page: Page, to: string): Promise<void> => {
    await page.getByRole('button', { name: 'Hand over …' }).click();
    await page.getByLabel('Who decides in your place').fill(to);
    await page.getByRole('dialog').getByRole('button', { name: 'Hand over', exact: true }).click();
  };

  test('lets a reviewer name another person, who then decides', async () => {
    const { page } = await openAs('grace', ownPath);
    await handOver(page, 'mary');
    await page.getByText('Recorded: mary decides in place of grace.').waitFor();
    expect(visits.lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary' }]);
    await page.getByRole('link', { name: 'See what follows' }).click();
    await decideAs(page, 'Approve');
    await page.getByText('grace handed this review over to mary.').waitFor();

    const other = await openAs('mary', ownPath);
    await other.page.getByText('mary decides in place of grace').waitFor();
    await decideAs(other.page, 'Approve');
    await other.page.getByText('Recorded: approved by mary.').waitFor();
    await other.page.getByRole('link', { name: 'See what follows' }).click();
    await other.page.getByText('mary decides in place of grace').waitFor();
    expect(visits.lab.lifecycles.decisions).toMatchObject([{ reviewer: 'mary' }]);
  });

  test('is refused for the requester and by people who are not asked, says why, and can be tried again', async () => {
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
    expect(visits.lab.lifecycles.delegations).toHaveLength(1);
  });

  test('is not offered where anyone may decide', async () => {
    const { find } = visits.lab.lifecycles;
    visits.lab.lifecycles.find = async (id) => {
      const { review, ...shown } = await find(id);
      const { reviewers: _anyone, ...openToAll } = review ?? { digest: '', twoPersonRule: false };
      return { ...shown, review: openToAll };
    };
    const { page } = await openAs('grace', ownPath);
    await page.getByRole('button', { name: 'Approve …' }).waitFor();
    expect(await page.getByRole('button', { name: 'Hand over …' }).count()).toBe(0);
  });

  test('works by the keyboard alone', async () => {
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
    expect(visits.lab.lifecycles.delegations).toMatchObject([{ from: 'grace', to: 'mary' }]);
  });
});

test('a comment is kept under the name of the token', async () => {
  const { page } = await openAs('grace', ownPath);
  await page.getByLabel('Say something').fill('Fine by me.');
  await page.getByRole('button', { name: 'Comment' }).click();
  await page.locator('.comments').getByText('Fine by me.').waitFor();
  expect(visits.lab.lifecycles.comments.at(-1)).toMatchObject({ author: 'grace', text: 'Fine by me.' });
});

test('the keyboard alone is enough, from the sign-in to the approval', async () => {
  const { page } = await open(ownPath);
  await page.getByLabel('Your token').waitFor();
  // The form has the focus by itself.
  await page.keyboard.type(visits.lab.tokens.grace);
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
  expect(visits.lab.lifecycles.decisions).toMatchObject([{ comment: 'By keys.' }]);
});

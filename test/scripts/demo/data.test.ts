import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { driftsOf, evaluateWindow } from '../../../domain/monitoring/evaluate-window.ts';
import { profileOf, type TrainingProfile } from '../../../domain/monitoring/training-profile.ts';
import { windowOf } from '../../../domain/monitoring/window-stats.ts';
import { monitorSchema } from '../../../domain/spec/monitor-spec.ts';
import { renderPrompt } from '../../../domain/serving/prompt-template.ts';
import { embed } from '../../../domain/monitoring/text-embedding.ts';
import { readKinds, Traffic, type Kind, type Row } from '../../../scripts/demo/data.ts';
import { observation } from '../../builders/observations.ts';
import { seeded } from '../../faults/faults.ts';
import { repository } from '../../support/stack.ts';

let template: string;
let usual: Kind;
let other: Kind;
let monitor: ReturnType<typeof monitorSchema.parse>;
beforeAll(async () => {
  ({ usual, other } = await readKinds(join(repository, 'examples/data')));
  template = await readFile(join(repository, 'examples/prompts/package-synopsis.txt'), 'utf8');
  const spec = JSON.parse(await readFile(join(repository, 'examples/specs/package-summaries-drift.json'), 'utf8')) as {
    monitor: object;
  };
  monitor = monitorSchema.parse(spec.monitor);
});

const profileFrom = (rows: readonly Row[]): TrainingProfile =>
  profileOf(
    rows.map(({ description, synopsis }) => {
      const rendered = renderPrompt(template, { description });
      return { prompt: rendered.ok ? rendered.text : '', completion: synopsis };
    }),
    'sha256:dataset',
  );

/** What the monitor would say of so many windows with as few requests as the spec allows. */
function windows(count: number, profile: TrainingProfile, next: () => string): string[] {
  return Array.from({ length: count }, () => {
    const observations = Array.from({ length: monitor.minimumRequests }, next).map((prompt) =>
      observation({ promptCharacters: prompt.length, embedding: embed(prompt) }),
    );
    const window = windowOf(observations);
    return (
      evaluateWindow({
        window,
        drifts: driftsOf(window, profile),
        rules: monitor.rules,
        refresh: undefined,
        ageDays: 0,
      })[0]?.side ?? ''
    );
  });
}

const share = (sides: readonly string[], wanted: string): number =>
  sides.filter((side) => side === wanted).length / sides.length;

test('of the other kind the right answer is the category, as JSON', () => {
  expect(other.learnt.every(({ synopsis }) => /^\{"kategorie":"\p{L}+"\}$/u.test(synopsis))).toBe(true);
  expect(usual.learnt.some(({ synopsis }) => synopsis.startsWith('{'))).toBe(false);
});

test('clients ask nothing that the model was shown', () => {
  expect(other.learnt.length / (usual.learnt.length + other.learnt.length)).toBe(2 / 3);
  for (const { learnt, live } of [usual, other]) {
    expect(live.length).toBeGreaterThanOrEqual(50);
    expect(live.filter(({ description }) => learnt.some((row) => row.description === description))).toEqual([]);
  }
});

test('once it has drifted, two of three requests are of the other kind', () => {
  const traffic = new Traffic({ template, usual, random: seeded(1) });
  const ofOther = (): number =>
    Array.from({ length: 3000 }, traffic.next).filter((prompt) =>
      other.live.some(({ description }) => prompt.includes(description)),
    ).length;
  expect(ofOther()).toBe(0);
  traffic.drift(other);
  expect(ofOther() / 3000).toBeCloseTo(2 / 3, 1);
});

test('the usual traffic is within limits, the new is far from the old data, and within limits of the new', () => {
  const traffic = new Traffic({ template, usual, random: seeded(1) });
  const before = profileFrom(usual.learnt);
  expect(share(windows(300, before, traffic.next), 'over')).toBeLessThanOrEqual(0.03);
  traffic.drift(other);
  expect(share(windows(300, before, traffic.next), 'over')).toBe(1);
  const after = profileFrom([...usual.learnt, ...other.learnt]);
  expect(share(windows(300, after, traffic.next), 'over')).toBeLessThanOrEqual(0.03);
});

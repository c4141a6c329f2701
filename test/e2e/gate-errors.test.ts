import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { measureGate, statedPower, type GateErrors } from '../../scripts/bench/gate-errors.ts';
import { createTrials } from '../../scripts/bench/gate-trials.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const python = join(repository, '.tuneline', 'tools', 'jobs', 'bin', 'python');
const env = { PATH: process.env['PATH'], OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' };

const trials = 1000;
const statedRate = 0.025;
/** Three and a half standard deviations of a share of so many trials: one seed in 4,000 would be off by that. */
const tolerance = (rate: number) => 3.5 * Math.sqrt((rate * (1 - rate)) / trials);

let errors: GateErrors;
beforeAll(async () => {
  errors = await measureGate(createTrials({ python, repository, env }), { examples: 48, trials, seed: 1 });
});

test('a model against itself is promoted, and any rule of it shown, no more often than stated', () => {
  expect(errors.promoted).toBeLessThanOrEqual(statedRate + tolerance(statedRate));
  expect(errors.anyShown).toBeLessThanOrEqual(statedRate + tolerance(statedRate));
});

test('each rule alone errs as often as stated, and not hardly ever: what refuses everything shows nothing', () => {
  for (const rate of Object.values(errors.alone)) expect(rate).toBeLessThanOrEqual(statedRate + tolerance(statedRate));
  expect(errors.alone['rougeL']).toBeGreaterThan(statedRate - tolerance(statedRate));
});

test('a planted loss as large as the finding states is refused, and seen, at the stated power', () => {
  expect(errors.effect).toBeGreaterThan(0);
  expect(errors.lossRefused).toBe(1);
  expect(errors.lossSeen).toBeGreaterThanOrEqual(statedPower);
});

test('a planted gain as large is shown at the stated power', () => {
  expect(errors.gainShown).toBeGreaterThanOrEqual(statedPower - tolerance(statedPower));
});

test('with such margins a gate lets most equals through, and no loss as large as the margin more often than stated', () => {
  expect(errors.withMargins.equalsPromoted).toBeGreaterThan(0.5);
  expect(errors.withMargins.lossRefused).toBeGreaterThanOrEqual(1 - statedRate - tolerance(statedRate));
});

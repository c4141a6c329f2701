import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createToolchain } from '../../local/toolchain.ts';
import { loadConfig } from '../../workers/config.ts';
import { quietPython } from '../../workers/jobs/job-process.ts';
import { measureGate, statedPower, type GateErrors } from './gate-errors.ts';
import { createTrials } from './gate-trials.ts';

/**
 * How often the gate errs, where the truth is known: a model against itself, and one with a planted
 * loss or gain. The same seed gives the same figures. Run: npm run bench:gate -- --json
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    trials: { type: 'string', default: '1000' },
    examples: { type: 'string', default: '32,48,128,512' },
    seed: { type: 'string', default: '1' },
  },
});
/** As many as the example evaluates: what is reported first. */
const usualExamples = 48;

const { folders, serviceEnvironment: env } = loadConfig();
const toolchain = createToolchain({ ...folders, env, report: (message) => process.stderr.write(`${message}\n`) });
await toolchain.installJobs();

const makeTrials = createTrials({
  python: join(folders.home, 'tools', 'jobs', 'bin', 'python'),
  repository: folders.repository,
  env: { ...env, ...quietPython(folders.home) },
});
const sizes: GateErrors[] = [];
for (const examples of values.examples.split(',').map(Number)) {
  process.stderr.write(`${examples} examples, three times ${values.trials} trials\n`);
  sizes.push(await measureGate(makeTrials, { examples, trials: Number(values.trials), seed: Number(values.seed) }));
}
const usual = sizes.find(({ examples }) => examples === usualExamples) ?? sizes[0];
if (!usual) throw new Error('--examples: expected sizes such as 32,48');

if (values.json) {
  const {
    promoted: aaRate,
    anyShown: aaAnyShownRate,
    statedRate,
    lossSeen: power,
    effect: plantedEffect,
    examples,
  } = usual;
  process.stdout.write(
    `${JSON.stringify({ aaRate, aaAnyShownRate, statedRate, power, statedPower, plantedEffect, examples, trials: Number(values.trials), sizes })}\n`,
  );
} else {
  for (const s of sizes)
    process.stdout.write(
      `${s.examples} examples: against itself promoted ${s.promoted}, any rule shown ${s.anyShown} (at most ${s.statedRate.toFixed(3)}); ` +
        `a loss of ${s.effect.toFixed(3)} ROUGE-L refused ${s.lossRefused}, seen ${s.lossSeen}; a gain as large shown ${s.gainShown} (at least ${statedPower})\n`,
    );
}

import { closingLine } from './counts.ts';
import { prepareTools } from './prepare-tools.ts';
import { runSuites, summarize } from './run-suites.ts';
import { suites, type Suite } from './suites.ts';

/** `npm test`: what proves the product, in a quarter of an hour. Arguments are paths for Jest, and then only those run. */
const chosen = process.argv.slice(2);
const asked: Suite = { name: 'chosen', group: 'default', lane: 'computes', jest: chosen, seconds: 0, sources: [] };
const wanted = chosen.length > 0 ? [asked] : suites.filter(({ group }) => group === 'default');

const runner = await prepareTools({ development: wanted.some(({ jest }) => !jest) });
const { lines, counts } = summarize(await runSuites(wanted, runner));
process.stderr.write(`${lines.join('\n')}\n`);
if (chosen.length === 0)
  process.stderr.write('Left out: clusters, whole stacks and thousands of faults. Run them with: npm run test:deep\n');
process.stdout.write(`${closingLine(counts)}\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

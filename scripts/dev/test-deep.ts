import { closingLine } from './counts.ts';
import { deepSuites } from './deep-runs.ts';
import { prepareTools } from './prepare-tools.ts';
import { runSuites, summarize } from './run-suites.ts';

/** `npm run test:deep [-- NAME…]`: suites outside `npm test`, by their own name or their group's; all by default. */
const names = process.argv.slice(2);
const unknown = names.filter((name) => !deepSuites.some((suite) => [suite.name, suite.group].includes(name)));
if (unknown.length > 0) {
  const known = [...new Set(deepSuites.flatMap(({ group, name }) => [group, name]))];
  process.stderr.write(`error: no suite is named ${unknown.join(', ')}.\nhint: the names are ${known.join(', ')}.\n`);
  process.exit(1);
}
const wanted = deepSuites.filter(
  (suite) => names.length === 0 || names.includes(suite.name) || names.includes(suite.group),
);

const runner = await prepareTools({ development: wanted.some(({ jest }) => !jest) });
const { lines, counts } = summarize(await runSuites(wanted, runner));
process.stderr.write(`${lines.join('\n')}\n`);
process.stdout.write(`${closingLine(counts)}\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

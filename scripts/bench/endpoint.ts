import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * What the endpoint's router costs a request: the same requests, in turns, to an engine that answers at once and through the
 * router before it, guards and observations included. The engine, the router and the client are three processes.
 * Run: npm run --silent bench:endpoint -- --json
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, requests: { type: 'string', default: '2000' } },
});
const requests = Number(values.requests);
/** Until the machine code is what it will be. */
const warmUp = 300;
const sentence = 'A tool that lists the files of a folder, sorted by size or by name, for use in scripts. ';
const body = JSON.stringify({
  model: 'bench',
  max_tokens: 32,
  messages: [{ role: 'user', content: sentence.repeat(8) }],
});

const engine = await start('fast-engine.ts');
const router = await start('router.ts', engine.url);
const alone: number[] = [];
const routed: number[] = [];
for (let n = 0; n < warmUp + requests; n++) {
  const [first, second] = [await ask(engine.url), await ask(router.url)];
  if (n < warmUp) continue;
  alone.push(first);
  routed.push(second);
}
router.stop();
engine.stop();

const overhead = routed.map((ms, index) => ms - (alone[index] ?? NaN));
const figures = {
  requests,
  engineP50Ms: at(alone, 0.5),
  engineP99Ms: at(alone, 0.99),
  routedP50Ms: at(routed, 0.5),
  routedP99Ms: at(routed, 0.99),
  overheadP50Ms: at(overhead, 0.5),
  overheadP99Ms: at(overhead, 0.99),
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(figures)}\n`
    : `the router adds ${figures.overheadP50Ms} ms to a request, and ${figures.overheadP99Ms} ms to one in a hundred\n`,
);

async function start(file: string, ...args: string[]) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  const [url] = (await once(child, 'message')) as [string];
  return { url, stop: () => child.kill() };
}

async function ask(url: string): Promise<number> {
  const startedMs = performance.now();
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return performance.now() - startedMs;
}

function at(all: readonly number[], quantile: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? NaN) * 100) / 100;
}

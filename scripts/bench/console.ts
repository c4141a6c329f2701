/**
 * How soon the review console is painted, and what it weighs: `npm run --silent bench:console -- --json`.
 * Each visit is in a tab that is open, over loopback, with nothing of the page in the cache.
 */
import { startBrowser } from '../../test/web/browser.ts';
import { openConsole } from '../../test/web/console-lab.ts';
import { reviewedId } from '../../test/builders/fixture-lifecycles.ts';

const visits = 25;
/** The icon alone is what the browser takes for any page: a picture of some hundred bytes. */
const pages = {
  iconAlone: { path: '/icon.svg', whole: 'svg' },
  queue: { path: '/', whole: '.queue' },
  lifecycle: { path: `/lifecycles/${reviewedId}`, whole: '.graph' },
};

const lab = await openConsole();
const origin = await lab.server.listen({ host: '127.0.0.1', port: 0 });
const browser = await startBrowser();
const context = await browser.newContext();
await context.addCookies([{ name: 'tuneline-token', value: lab.tokens.grace, url: origin }]);
const page = await context.newPage();
const devtools = await context.newCDPSession(page);
const figures: Record<string, unknown> = {};
for (const [name, { path, whole }] of Object.entries(pages)) {
  const seen: Awaited<ReturnType<typeof visit>>[] = [];
  // The first visit starts the browser's own parts, too.
  for (let i = 0; i <= visits; i++) seen.push(await visit(path, whole));
  const [firstPaintMs, wholeMs] = (['firstPaintMs', 'wholeMs'] as const).map((key) =>
    summary(seen.slice(1).map((one) => one[key])),
  );
  figures[name] = { firstPaintMs, wholeMs, requests: seen[1]?.requests, brotliBytes: seen[1]?.bytes };
}
await browser.close();
await lab.close();
process.stdout.write(`${JSON.stringify(figures, null, process.argv.includes('--json') ? 0 : 2)}\n`);
process.exit(0);

async function visit(path: string, whole: string) {
  // Of the same origin: the tab keeps its process, as a person's does.
  await page.goto(`${origin}/healthz`);
  await devtools.send('Network.clearBrowserCache');
  await page.goto(`${origin}${path}`);
  await page.locator(whole).waitFor();
  return page.evaluate<{ firstPaintMs: number; wholeMs: number; requests: number; bytes: number }>(`(async () => ({
    wholeMs: performance.now(),
    // The entry is written a moment after the paint.
    firstPaintMs: await new Promise((found) => new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint').forEach(({ startTime }) => found(startTime))).observe({ type: 'paint', buffered: true })),
    requests: performance.getEntriesByType('resource').length + 1,
    bytes: [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')].filter(({ name }) => !name.includes('/api/')).reduce((all, { encodedBodySize }) => all + encodedBodySize, 0),
  }))()`);
}

function summary(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  return { median: sorted[Math.floor(sorted.length / 2)], most: sorted.at(-1) };
}

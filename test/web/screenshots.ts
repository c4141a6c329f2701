/** Makes docs/screenshots anew, by hand, after a change of the pages: `node test/web/screenshots.ts` */
import { fileURLToPath } from 'node:url';
import { reviewedId } from '../builders/fixture-lifecycles.ts';
import { startBrowser } from './browser.ts';
import { openConsole } from './console-lab.ts';

const lab = await openConsole();
const origin = await lab.server.listen({ host: '127.0.0.1', port: 0 });
const browser = await startBrowser();
for (const colorScheme of ['light', 'dark'] as const) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 860 } });
  await context.addCookies([{ name: 'tuneline-token', value: lab.tokens.grace, url: origin }]);
  const page = await context.newPage();
  await page.goto(`${origin}/lifecycles/${reviewedId}`);
  await page.locator('.graph').waitFor();
  await page.screenshot({
    path: fileURLToPath(new URL(`../../docs/screenshots/console-${colorScheme}.png`, import.meta.url)),
  });
}
await browser.close();
await lab.close();
process.exit(0);

import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** A real browser, which the machine's packages bring where it is not there. */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) install();
  return chromium.launch({
    executablePath,
    timeout: 0,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page in a context of its own. How long it takes says more of the machine than of the page, so nothing is waited for in vain but the test's own end. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(0);
  return page;
}

function install(): void {
  for (const args of [
    ['update', '-q'],
    ['install', '-yq', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0)
      throw new Error(`These tests need a browser at ${executablePath}, and apt-get could not bring one:\n${stderr}`);
  }
}

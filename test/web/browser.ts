import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { chromium, type Browser } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** A real browser, which the machine's packages bring where it is not there. */
export async function startBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) install();
  return chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
}

function install(): void {
  for (const args of [['update', '-q'], ['install', '-yq', '--no-install-recommends', 'chromium']]) {
    const { status, stderr } = spawnSync('apt-get', args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    if (status !== 0) throw new Error(`These tests need a browser at ${executablePath}, and apt-get could not bring one:\n${stderr}`);
  }
}

import { createToolchain } from '../../local/toolchain.ts';
import { loadConfig } from '../../workers/config.ts';
import type { SuiteRunner } from './run-suites.ts';

/** Installs what the suites run on; `development` adds pytest and the Python linters. Idempotent. */
export async function prepareTools({ development }: { readonly development: boolean }): Promise<SuiteRunner> {
  const { folders, serviceEnvironment: env } = loadConfig();
  const toolchain = createToolchain({ ...folders, env, report: (message) => process.stderr.write(`${message}\n`) });
  await toolchain.installServices();
  await toolchain.installJobs();
  await toolchain.importBaseModel();
  if (development) await toolchain.installJobsDevelopment();
  return { folders, env };
}

import { fileURLToPath } from 'node:url';

/** What starts `tuneline` from its sources. */
export const cliCommand = [
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../../scripts/cli/tuneline.ts', import.meta.url)),
] as const;

/** Of this environment, what lets a child process start fast and nothing else: where programs are, and what Node compiled before. */
export const quickStart: Readonly<Record<string, string | undefined>> = {
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
};

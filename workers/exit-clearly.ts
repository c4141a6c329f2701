import { SetupError } from '../local/setup-error.ts';

/** From here on this process ends with what went wrong; with a stack trace only where nobody foresaw it. */
export function exitClearly(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`error: ${error instanceof SetupError ? error.message : (error.stack ?? error.message)}\n`);
    process.exit(1);
  });
}

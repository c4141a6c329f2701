import { SetupError } from '../local/setup-error.ts';

/** An uncaught error ends this process with its message. Unexpected errors also print a stack trace. */
export function exitClearly(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`error: ${error instanceof SetupError ? error.message : (error.stack ?? error.message)}\n`);
    process.exit(1);
  });
}

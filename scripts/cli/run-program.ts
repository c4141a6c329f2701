import type { Command } from 'commander';
import { SetupError } from '../../local/setup-error.ts';
import { sendTraces } from './connect.ts';
import { exitCodes, UserError } from './user-error.ts';

/** Connections and timers of the SDK would keep the process; everything is written by now. */
export function finish(code: number): void {
  process.stdout.write('', () => void sendTraces().finally(() => process.exit(code)));
}

/** Does what the command line says. A person's own mistake is a sentence. */
export async function runProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    const text =
      error instanceof UserError || error instanceof SetupError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    process.stderr.write(`error: ${text}\n`);
    finish(exitCodes.broken);
  }
}

import type { Command } from 'commander';
import { SetupError } from '../../local/setup-error.ts';
import { sendTraces } from './connect.ts';
import { exitCodes, UserError } from './user-error.ts';

/** Exits once all is written, because the SDK's connections and timers would keep the process alive. */
export function finish(code: number): void {
  process.stdout.write('', () => void sendTraces().finally(() => process.exit(code)));
}

/** Runs the command line. A person's own mistake is shown as one sentence, without a stack. */
export async function runProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`error: ${textOf(error)}\n`);
    finish(exitCodes.broken);
  }
}

function textOf(error: unknown): string {
  if (error instanceof UserError || error instanceof SetupError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

import type { Client } from '@temporalio/client';
import { createMlflow, type Mlflow } from '../../mlflow/index.ts';
import type { Config } from '../../workers/config.ts';
import { connectClient } from '../../workers/temporal.ts';
import { openTracing } from '../../workers/tracing/open.ts';
import type { Tracing } from '../../workers/tracing/tracing.ts';

/** Of this command, which is one process. */
let tracing: Tracing | undefined;

export async function connectTemporal({ temporal, tracing: settings }: Config): Promise<Client> {
  tracing ??= await openTracing(settings, 'tuneline-cli', (message) => process.stderr.write(`${message}\n`));
  return (await connectClient(temporal, tracing)).client;
}

/** A command that ends at once would take its spans with it. */
export const sendTraces = async (): Promise<void> => tracing?.close();

export const connectMlflow = ({ mlflow }: Config): Mlflow => createMlflow(mlflow);

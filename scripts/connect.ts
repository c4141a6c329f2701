import { Client, Connection } from '@temporalio/client';
import { createMlflow, type Mlflow } from '../mlflow/index.ts';
import type { Config } from '../workers/config.ts';
import { UserError } from './user-error.ts';

export async function connectTemporal({ temporal }: Config): Promise<Client> {
  try {
    const connection = await Connection.connect({ ...temporal.connection, connectTimeout: '5s' });
    return new Client({ connection, namespace: temporal.namespace });
  } catch {
    const address = temporal.connection.address ?? 'its default address';
    throw new UserError(`Temporal does not answer at ${address}.\nhint: ${temporal.embedded ? 'start the stack with "scripts/tuneline up"' : 'check your temporal.toml profile or TEMPORAL_ADDRESS'}`);
  }
}

export const connectMlflow = ({ mlflow }: Config): Mlflow => createMlflow(mlflow);

import type { Client } from '@temporalio/client';
import { createMlflow, type Mlflow } from '../mlflow/index.ts';
import type { Config } from '../workers/config.ts';
import { connectClient } from '../workers/temporal.ts';

export const connectTemporal = async ({ temporal }: Config): Promise<Client> => (await connectClient(temporal)).client;

export const connectMlflow = ({ mlflow }: Config): Mlflow => createMlflow(mlflow);

import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { memoryNeededMs } from '../../domain/events/event.ts';
import { SetupError } from '../../local/setup-error.ts';
import { taskQueue, type Config } from '../config.ts';
import { readSecret } from '../secrets.ts';
import { loadEventRules, readEventSpec } from './rules-file.ts';
import { createEventServer } from './server.ts';
import { createEventStarter } from './starter.ts';

/** The event routes over Temporal. Throws a `SetupError` if rules, secrets or the namespace are unsuitable. */
export async function openEvents(
  { rulesPath, secrets }: NonNullable<Config['events']>,
  client: Client,
  log: (message: string) => void,
): Promise<FastifyInstance> {
  const rules = await loadEventRules(rulesPath);
  const [mlflow, signed] = [await readSecret(secrets.mlflow), await readSecret(secrets.signed)];
  if (mlflow === undefined && signed === undefined)
    throw new SetupError(
      `There are rules for events, and no secret that an event could be signed with.\nhint: set ${secrets.mlflow.variable} for MLflow's webhooks, ${secrets.signed.variable} for others, or either with _FILE behind.`,
    );
  await ensureMemory(client);
  return createEventServer({
    rules,
    secrets: { mlflow, signed },
    starter: createEventStarter({ client, taskQueue, readSpec: readEventSpec }),
    log,
  });
}

/**
 * Throws a `SetupError` unless Temporal keeps executions as long as an event may be delivered again: their IDs prevent
 * a second start.
 */
export async function ensureMemory(client: Client): Promise<void> {
  const { namespace } = client.options;
  const { config } = await client.workflowService.describeNamespace({ namespace });
  const keptMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
  if (keptMs < memoryNeededMs)
    throw new SetupError(
      `Temporal keeps executions of ${namespace} for ${keptMs / 3_600_000} hours; an event that is delivered again later could start a second execution.\nhint: "temporal operator namespace update --retention 24h ${namespace}"`,
    );
}

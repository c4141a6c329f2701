import { Client, Connection } from '@temporalio/client';
import { SetupError } from '../local/setup-error.ts';
import type { Config } from './config.ts';
import type { Tracing } from './tracing/tracing.ts';

/** Throws a `SetupError` that names the address if Temporal does not answer. */
export async function connectClient(
  { connection, namespace, embedded }: Config['temporal'],
  tracing?: Pick<Tracing, 'client'>,
): Promise<{ readonly client: Client; readonly connection: Connection }> {
  try {
    const connected = await Connection.connect({ ...connection, connectTimeout: '5s' });
    return {
      client: new Client({ connection: connected, namespace, ...(tracing ? { interceptors: tracing.client } : {}) }),
      connection: connected,
    };
  } catch {
    const address = connection.address ?? 'its default address';
    throw new SetupError(
      `Temporal does not answer at ${address}.\nhint: ${embedded ? 'start the stack with "scripts/tuneline up"' : 'check your temporal.toml profile or TEMPORAL_ADDRESS'}`,
    );
  }
}

/**
 * Addresses in Temporal's UI. Its start form reads both parameters and fills in the input of the newest execution of
 * that type.
 */
export const temporalLinks = (uiUrl: string, namespace: string) => {
  const workflows = `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return {
    execution: (workflowId: string): string => `${workflows}/${encodeURIComponent(workflowId)}`,
    start: (workflowType: string, queue: string): string =>
      `${workflows}/start-workflow?${new URLSearchParams({ workflowType, taskQueue: queue }).toString()}`,
  };
};

import type { Client } from '@temporalio/client';
import { searchAttributeNames } from '../workflows/search-attributes.ts';

/** The number in Temporal's API for the type that its CLI and SDK call Keyword. */
export const keyword = 2;

/**
 * Ensures that the namespace knows the search attributes of lifecycles and endpoints: a workflow that sets an unknown
 * one gets stuck. If this worker may not add them, it rejects with the command to run.
 */
export async function ensureSearchAttributes({ connection, options: { namespace } }: Client): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace }).catch(() => undefined);
  // A hosted service may forbid this call. There the owner of the namespace adds the attributes.
  if (known === undefined) return;
  const missing = searchAttributeNames.filter((name) => !Object.hasOwn(known.customAttributes, name));
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
  } catch (error) {
    const command = `temporal operator search-attribute create ${missing.map((name) => `--name ${name} --type Keyword`).join(' ')}`;
    throw new Error(
      `The namespace ${namespace} lacks the search attributes ${missing.join(', ')}, and they could not be added (${(error as Error).message}).\nhint: ${command}`,
      { cause: error },
    );
  }
}

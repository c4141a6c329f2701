import { type Client } from './client.ts';
import { searchRegisteredModels } from './registered-model.ts';
import { fromPairs, type Tag, type Tags } from './tags.ts';

/** A registered model with a `champion` alias. */
export interface ServedModel {
  readonly name: string;
  readonly tags: Tags;
  readonly champion: { readonly version: string; readonly createdAtMs: number; readonly tags: Tags };
}

interface Reply {
  readonly model_version?: { readonly creation_timestamp?: number | string; readonly tags?: readonly Tag[] };
}

/** All models with a `champion`, by name. Prompts have none. */
export async function listServedModels(client: Client): Promise<ServedModel[]> {
  const served: ServedModel[] = [];
  for (const { name, tags, aliases } of await searchRegisteredModels(client)) {
    const version = aliases['champion'];
    if (version === undefined) continue;
    const { model_version: made } = await client.json<Reply>('GET', '/model-versions/get', { name, version });
    served.push({
      name,
      tags,
      champion: { version, createdAtMs: Number(made?.creation_timestamp ?? 0), tags: fromPairs(made?.tags) },
    });
  }
  return served;
}

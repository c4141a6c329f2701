import { type Client } from './client.ts';
import { isMlflowError, present } from './errors.ts';
import { fromPairs, type Tag, type Tags, toPairs } from './tags.ts';

export interface RegisteredModel {
  readonly name: string;
  readonly tags: Tags;
  /** Version by alias. */
  readonly aliases: Readonly<Record<string, string>>;
}

interface WireRegisteredModel {
  readonly name?: string;
  readonly tags?: readonly Tag[];
  readonly aliases?: readonly { readonly alias: string; readonly version: string | number }[];
}

interface Reply {
  readonly registered_model?: WireRegisteredModel;
}

/** Throws `notFound`. */
export async function readRegisteredModel(client: Client, name: string): Promise<RegisteredModel> {
  const reply = await client.json<Reply>('GET', '/registered-models/get', { name });
  const wire = present(reply.registered_model, 'registered_model');
  return {
    name: present(wire.name, 'registered_model.name'),
    tags: fromPairs(wire.tags),
    aliases: Object.fromEntries((wire.aliases ?? []).map(({ alias, version }) => [alias, String(version)])),
  };
}

/** Registers the model, or answers the one of that name, which keeps its tags and description. */
export async function ensureRegisteredModel(
  client: Client,
  name: string,
  { tags = {}, description }: { readonly tags?: Tags; readonly description?: string },
): Promise<RegisteredModel> {
  try {
    await client.json('POST', '/registered-models/create', { name, description, tags: toPairs(tags) });
    return { name, tags, aliases: {} };
  } catch (error) {
    if (!isMlflowError(error, 'exists')) throw error;
    return await readRegisteredModel(client, name);
  }
}

/** MLflow keeps prompts among the models, and marks them and their versions by a tag. */
export function isPrompt({ tags }: { readonly tags: Tags }): boolean {
  return tags['mlflow.prompt.is_prompt']?.toLowerCase() === 'true';
}

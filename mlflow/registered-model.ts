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
  return modelFrom(present(reply.registered_model, 'registered_model'));
}

const modelFrom = ({ name, tags, aliases = [] }: WireRegisteredModel): RegisteredModel => ({
  name: present(name, 'registered_model.name'),
  tags: fromPairs(tags),
  aliases: Object.fromEntries(aliases.map(({ alias, version }) => [alias, String(version)])),
});

/** All models. Omits prompts, which MLflow stores as models. */
export async function searchRegisteredModels(client: Client): Promise<RegisteredModel[]> {
  const found: RegisteredModel[] = [];
  let page_token: string | undefined;
  do {
    const reply = await client.json<{ registered_models?: readonly WireRegisteredModel[]; next_page_token?: string }>(
      'GET',
      '/registered-models/search',
      { max_results: 1000, page_token },
    );
    found.push(...(reply.registered_models ?? []).map(modelFrom).filter((model) => !isPrompt(model)));
    page_token = reply.next_page_token || undefined;
  } while (page_token !== undefined);
  return found;
}

/** Registers the model, or returns the existing one, which keeps its tags and description. */
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

/** MLflow stores prompts as models, and marks them and their versions with a tag. */
export function isPrompt({ tags }: { readonly tags: Tags }): boolean {
  return tags['mlflow.prompt.is_prompt']?.toLowerCase() === 'true';
}

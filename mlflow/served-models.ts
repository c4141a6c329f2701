import { type Client } from './client.ts';
import { fromPairs, type Tag, type Tags } from './tags.ts';

/** A registered model whose `champion` serves, or has served. */
export interface ServedModel {
  readonly name: string;
  readonly tags: Tags;
  readonly champion: { readonly version: string; readonly createdAtMs: number };
}

interface WireModel {
  readonly name: string;
  readonly tags?: readonly Tag[];
  readonly aliases?: readonly { readonly alias: string; readonly version: string | number }[];
}
interface Page {
  readonly registered_models?: readonly WireModel[];
  readonly next_page_token?: string;
}
interface Version {
  readonly model_version?: { readonly creation_timestamp?: number | string };
}

/** Every model with a `champion`, by name; prompts have none. */
export async function listServedModels(client: Client): Promise<ServedModel[]> {
  const served: ServedModel[] = [];
  let pageToken: string | undefined;
  do {
    const page: Page = await client.json<Page>('GET', '/registered-models/search', { page_token: pageToken });
    for (const { name, tags, aliases } of page.registered_models ?? []) {
      const champion = aliases?.find(({ alias }) => alias === 'champion');
      if (!champion) continue;
      const version = String(champion.version);
      const { model_version: made } = await client.json<Version>('GET', '/model-versions/get', { name, version });
      served.push({ name, tags: fromPairs(tags), champion: { version, createdAtMs: Number(made?.creation_timestamp ?? 0) } });
    }
    pageToken = page.next_page_token;
  } while (pageToken);
  return served;
}

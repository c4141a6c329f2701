import { type Client } from './client.ts';
import { present } from './errors.ts';
import { literal } from './filter.ts';
import { fromPairs, type Tag, type Tags } from './tags.ts';

export interface ModelVersion {
  readonly name: string;
  readonly version: string;
  readonly source: string;
  /** Empty if no run created it. */
  readonly runId: string;
  readonly description: string;
  readonly tags: Tags;
  readonly aliases: readonly string[];
}

interface WireModelVersion {
  readonly name?: string;
  readonly version?: string | number;
  readonly source?: string;
  readonly run_id?: string;
  readonly description?: string;
  readonly tags?: readonly Tag[];
  readonly aliases?: readonly string[];
}

export interface NewModelVersion {
  readonly name: string;
  readonly source: string;
  readonly run_id?: string;
  readonly description: string;
  readonly tags: readonly Tag[];
}

function toModelVersion(wire: WireModelVersion | undefined): ModelVersion {
  return {
    name: present(wire?.name, 'model_version.name'),
    version: String(present(wire?.version, 'model_version.version')),
    source: wire?.source ?? '',
    runId: wire?.run_id ?? '',
    description: wire?.description ?? '',
    tags: fromPairs(wire?.tags),
    aliases: wire?.aliases ?? [],
  };
}

/** Throws `notFound`. */
export async function readVersion(client: Client, name: string, version: string): Promise<ModelVersion> {
  return toModelVersion((await client.json<Reply>('GET', '/model-versions/get', { name, version })).model_version);
}

/** All versions of one model that match the clauses, oldest first. MLflow's search omits their aliases. */
export async function searchVersions(
  client: Client,
  name: string,
  clauses: readonly string[],
): Promise<ModelVersion[]> {
  const found = await searchAllVersions(client, [`name = ${literal(name)}`, ...clauses]);
  return found.filter((version) => version.name === name);
}

/** All versions of all models that match the clauses, by name and age. MLflow's search omits their aliases. */
export async function searchAllVersions(client: Client, clauses: readonly string[]): Promise<ModelVersion[]> {
  const found: ModelVersion[] = [];
  let pageToken: string | undefined;
  do {
    const fields = { filter: clauses.join(' AND '), page_token: pageToken };
    const page: Page = await client.json<Page>('GET', '/model-versions/search', fields);
    found.push(...(page.model_versions ?? []).map(toModelVersion));
    pageToken = page.next_page_token;
  } while (pageToken !== undefined && pageToken !== '');
  return found.sort((a, b) => a.name.localeCompare(b.name) || Number(a.version) - Number(b.version));
}

/**
 * The version that `find` finds, or a new one. Safe under concurrent calls: MLflow numbers versions in order of
 * creation, so both writers see the lower number. The later writer deletes its own version and returns the other one.
 */
export async function createVersionOnce(
  client: Client,
  wanted: NewModelVersion,
  find: () => Promise<ModelVersion | undefined>,
): Promise<ModelVersion> {
  const found = await find();
  if (found) return found;
  const created = toModelVersion((await client.json<Reply>('POST', '/model-versions/create', wanted)).model_version);
  const winner = (await find()) ?? created;
  if (winner.version !== created.version) {
    await client.json('DELETE', '/model-versions/delete', { name: created.name, version: created.version });
  }
  return winner;
}

interface Reply {
  readonly model_version?: WireModelVersion;
}

interface Page {
  readonly model_versions?: readonly WireModelVersion[];
  readonly next_page_token?: string;
}

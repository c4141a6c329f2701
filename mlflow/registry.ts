import { artifactPath } from './artifact-path.ts';
import { type Client } from './client.ts';
import { isMlflowError, MlflowError } from './errors.ts';
import { tagsEqual } from './filter.ts';
import {
  createVersionOnce,
  type ModelVersion,
  readVersion,
  searchAllVersions,
  searchVersions,
} from './model-version.ts';
import {
  ensureRegisteredModel,
  isPrompt,
  readRegisteredModel,
  searchRegisteredModels,
  type RegisteredModel,
} from './registered-model.ts';
import { type Runs } from './runs.ts';
import { hasTags, type Tag, type Tags, toPairs } from './tags.ts';

export interface VersionToRegister {
  readonly name: string;
  /** The run that created the weights. */
  readonly runId: string;
  /** Identifies this version within its model, such as the digest of its weights. */
  readonly idempotencyTag: Tag;
  /** Include the URI of the weights: see `registerVersion`. */
  readonly tags?: Tags;
  readonly description?: string;
  /** The artifact folder of the run that is the version's source. It may be empty. */
  readonly artifactFolder?: string;
}

export interface Registry {
  /**
   * Idempotent: an existing model keeps its description and tags. Throws `rejected` for a name with `/` or `:`, or for
   * the name of a prompt: MLflow's searches miss versions if a model and a prompt share a name.
   */
  ensureModel(name: string, options?: { readonly description?: string; readonly tags?: Tags }): Promise<void>;
  /**
   * The version with the idempotency tag. Creates it if there is none. The model must exist.
   *
   * The source is a folder among the run's artifacts. The caller puts the URI of the weights into a tag. MLflow 3
   * refuses a `file:` source outside the run's artifact folder and every `https:` source, but accepts `s3:` and `gs:`.
   * A source inside the run works with every storage, and MLflow then checks that the run exists. (It accepts a
   * `runs:/` source without a check, even for a run that never existed.)
   */
  registerVersion(version: VersionToRegister): Promise<ModelVersion>;
  /** Throws `notFound`. */
  getVersion(name: string, version: string): Promise<ModelVersion>;
  /** The versions with all these tags, oldest first, without aliases. All versions for `{}`. */
  findVersions(name: string, tags: Tags): Promise<ModelVersion[]>;
  /** The versions of all models with all these tags, by name and age, without aliases. */
  findVersionsOfAnyModel(tags: Tags): Promise<ModelVersion[]>;
  setVersionTags(name: string, version: string, tags: Tags): Promise<void>;
  /** Idempotent. */
  deleteVersionTag(name: string, version: string, key: string): Promise<void>;
  /** All models, without prompts. */
  listModels(): Promise<RegisteredModel[]>;
  /** Empty if the model does not exist. */
  modelTags(name: string): Promise<Tags>;
  setModelTag(name: string, tag: Tag): Promise<void>;
  /** Idempotent. */
  deleteModelTag(name: string, key: string): Promise<void>;
  /**
   * Points the alias at the version. If it does so already, it sends no request, so that no webhook fires. MLflow has
   * no compare-and-swap, so each alias must have only one writer.
   */
  setAlias(name: string, alias: string, version: string): Promise<void>;
  /** Versions by alias. Empty if the model does not exist. */
  aliases(name: string): Promise<Readonly<Record<string, string>>>;
  /** The version of the alias. Undefined if the alias or the model does not exist. */
  getAlias(name: string, alias: string): Promise<string | undefined>;
  /** Idempotent. If the alias does not exist, it sends no request, so that no webhook fires. */
  deleteAlias(name: string, alias: string): Promise<void>;
}

export function createRegistry(client: Client, runs: Pick<Runs, 'get'>): Registry {
  async function findVersions(name: string, tags: Tags): Promise<ModelVersion[]> {
    return (await searchVersions(client, name, tagsEqual(tags))).filter((version) => hasTags(version.tags, tags));
  }

  async function read(name: string): Promise<Partial<RegisteredModel>> {
    try {
      return await readRegisteredModel(client, name);
    } catch (error) {
      if (isMlflowError(error, 'notFound')) return {};
      throw error;
    }
  }
  const aliasesOf = async (name: string): Promise<Readonly<Record<string, string>>> => (await read(name)).aliases ?? {};

  async function getAlias(name: string, alias: string): Promise<string | undefined> {
    // MLflow answers INVALID_PARAMETER_VALUE for a missing alias, as for a bad request, so this reads all aliases.
    const aliases = await aliasesOf(name);
    return Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;
  }

  return {
    async ensureModel(name, options = {}) {
      if (isPrompt(await ensureRegisteredModel(client, name, options))) {
        throw new MlflowError('rejected', `${name} is a prompt and can't be a registered model too`);
      }
    },
    async registerVersion({ name, runId, idempotencyTag, tags, description = '', artifactFolder = 'model' }) {
      const identity = { [idempotencyTag.key]: idempotencyTag.value };
      const folder = artifactPath(artifactFolder);
      const source = `${(await runs.get(runId)).artifactUri}/${folder}`;
      const wanted = { name, source, run_id: runId, description, tags: toPairs({ ...tags, ...identity }) };
      return createVersionOnce(client, wanted, async () => (await findVersions(name, identity))[0]);
    },
    getVersion: (name, version) => readVersion(client, name, version),
    findVersions,
    async findVersionsOfAnyModel(tags) {
      return (await searchAllVersions(client, tagsEqual(tags))).filter((version) => hasTags(version.tags, tags));
    },
    async setVersionTags(name, version, tags) {
      for (const tag of toPairs(tags)) await client.json('POST', '/model-versions/set-tag', { name, version, ...tag });
    },
    async deleteVersionTag(name, version, key) {
      await client.json('DELETE', '/model-versions/delete-tag', { name, version, key }).catch(unlessMissing);
    },
    listModels: () => searchRegisteredModels(client),
    modelTags: async (name) => (await read(name)).tags ?? {},
    async setModelTag(name, tag) {
      await client.json('POST', '/registered-models/set-tag', { name, ...tag });
    },
    async deleteModelTag(name, key) {
      await client.json('DELETE', '/registered-models/delete-tag', { name, key }).catch(unlessMissing);
    },
    async setAlias(name, alias, version) {
      // MLflow calls webhooks for each request. Without this check, an event could cause the request that caused it.
      if ((await getAlias(name, alias)) !== version)
        await client.json('POST', '/registered-models/alias', { name, alias, version });
    },
    aliases: aliasesOf,
    getAlias,
    async deleteAlias(name, alias) {
      if ((await getAlias(name, alias)) !== undefined)
        await client.json('DELETE', '/registered-models/alias', { name, alias });
    },
  };
}

function unlessMissing(error: unknown): void {
  if (!isMlflowError(error, 'notFound')) throw error;
}

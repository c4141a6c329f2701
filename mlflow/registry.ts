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
  /** The run that made the weights. */
  readonly runId: string;
  /** Names this version among all of its model's, such as the digest of its weights. */
  readonly idempotencyTag: Tag;
  /** Where the weights lie belongs here: see `registerVersion`. */
  readonly tags?: Tags;
  readonly description?: string;
  /** The folder among the run's artifacts that stands for the model; it may be empty. */
  readonly artifactFolder?: string;
}

export interface Registry {
  /**
   * Idempotent; an existing model keeps its description and tags. Throws `rejected` for a name with `/` or `:`,
   * or that a prompt bears: MLflow's searches miss versions where the two mix.
   */
  ensureModel(name: string, options?: { readonly description?: string; readonly tags?: Tags }): Promise<void>;
  /**
   * The version that carries the idempotency tag; registers one where there is none. The model must exist.
   *
   * Its source is a folder among the run's artifacts, and the weights' own URI is the caller's to put in a tag.
   * MLflow 3 refuses a `file:` source outside the run's artifact folder and any `https:` one, while it takes
   * `s3:` and `gs:`: a source that is always the run's own works with every storage, and MLflow proves that
   * the run exists. (It takes a `runs:/` source on trust, also for a run that was never there.)
   */
  registerVersion(version: VersionToRegister): Promise<ModelVersion>;
  /** Throws `notFound`. */
  getVersion(name: string, version: string): Promise<ModelVersion>;
  /** The versions that carry all these tags, the oldest first, without their aliases; all of them for `{}`. */
  findVersions(name: string, tags: Tags): Promise<ModelVersion[]>;
  /** The versions of any model that carry all these tags, by name and age, without their aliases. */
  findVersionsOfAnyModel(tags: Tags): Promise<ModelVersion[]>;
  setVersionTags(name: string, version: string, tags: Tags): Promise<void>;
  /** Idempotent. */
  deleteVersionTag(name: string, version: string, key: string): Promise<void>;
  /** All models, no prompts. */
  listModels(): Promise<RegisteredModel[]>;
  /** None where the model is absent. */
  modelTags(name: string): Promise<Tags>;
  setModelTag(name: string, tag: Tag): Promise<void>;
  /** Idempotent. */
  deleteModelTag(name: string, key: string): Promise<void>;
  /** Points the alias at the version, wherever it pointed before; where it does already, no webhook is told. MLflow has no compare-and-swap: one writer each. */
  setAlias(name: string, alias: string, version: string): Promise<void>;
  /** Versions by alias; none where the model is absent. */
  aliases(name: string): Promise<Readonly<Record<string, string>>>;
  /** The version that the alias names; undefined where the alias, or the whole model, is absent. */
  getAlias(name: string, alias: string): Promise<string | undefined>;
  /** Idempotent; where there is none, no webhook is told. */
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
    // Asked for one alias that is absent, MLflow answers INVALID_PARAMETER_VALUE, as it does for a bad request.
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
      // MLflow tells webhooks of each call, and an event would lead to the call that led to the event.
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

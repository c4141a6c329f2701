import { tags as tagNames, type RegisteredVersion, type Tracking } from '../domain/lineage/tracking.ts';
import { isMlflowError } from './errors.ts';
import type { Mlflow } from './index.ts';

/** The `Tracking` of a lifecycle, on top of the REST client. Caches the IDs of experiments. */
export function createTracking(mlflow: Mlflow): Tracking {
  const experiments = new Map<string, Promise<string>>();

  function experimentId(name: string): Promise<string> {
    const known = experiments.get(name);
    if (known) return known;
    const asked = mlflow.experiments.ensure(name);
    experiments.set(name, asked);
    // Does not cache a failure, because MLflow may be down only for a moment.
    asked.catch(() => experiments.delete(name));
    return asked;
  }

  return {
    async openRun({ experiment, name, key, parentRunId, tags }) {
      const run = await mlflow.runs.open({
        experimentId: await experimentId(experiment),
        name,
        idempotencyTag: key,
        tags,
        parentRunId,
      });
      return run.runId;
    },
    async findFinishedRun(experiment, { key, value }) {
      const id = await mlflow.experiments.find(experiment);
      const [newest] = id === undefined ? [] : await mlflow.runs.findByTag(id, { [key]: value }, 'FINISHED');
      return newest && { runId: newest.runId, tags: newest.tags };
    },
    setTags: (runId, tags) => mlflow.runs.setTags(runId, tags),
    putText: (runId, path, text) => mlflow.artifacts.put(runId, path, text),
    readText: (runId, path) =>
      unlessMissing(mlflow.artifacts.get(runId, path).then((bytes) => new TextDecoder().decode(bytes))),
    logFigures: (runId, figures, { step, atMs: timestampMs }) =>
      mlflow.runs.log(runId, {
        metrics: Object.entries(figures).map(([key, value]) => ({ key, value, step, timestampMs })),
      }),
    startedAtMs: async (runId) => (await mlflow.runs.get(runId)).startedAtMs,
    endRun: (runId, status) => mlflow.runs.end(runId, status),

    async registerPrompt(name, template) {
      return (await mlflow.prompts.register({ name, text: template })).version;
    },
    findPrompt: (name, template) => mlflow.prompts.find(name, template),
    readPrompt: (name, version) => unlessMissing(mlflow.prompts.get(name, version).then(({ text }) => text)),

    async registerVersion({ model, runId, weights, description, tags }) {
      await mlflow.registry.ensureModel(model);
      const all = { ...tags, [tagNames.weightsUri]: weights.uri };
      const { version } = await mlflow.registry.registerVersion({
        name: model,
        runId,
        description,
        tags: all,
        idempotencyTag: { key: tagNames.weightsDigest, value: weights.digest },
      });
      await mlflow.registry.setVersionTags(model, version, all);
      return version;
    },

    async readVersion(model, version) {
      const found = await mlflow.registry.getVersion(model, version).catch((error: unknown) => {
        if (isMlflowError(error, 'notFound')) return undefined;
        throw error;
      });
      return found && { version, tags: found.tags, ...weightsIn(found) };
    },
    findVersions: async (model, tags) =>
      (await mlflow.registry.findVersions(model, tags)).map((found) => ({
        version: found.version,
        tags: found.tags,
        ...weightsIn(found),
      })),
    aliasVersion: (model, alias) => mlflow.registry.getAlias(model, alias),
    listModels: () => mlflow.registry.listModels(),
    modelTags: (model) => mlflow.registry.modelTags(model),
    setModelTag: (model, key, value) => mlflow.registry.setModelTag(model, { key, value }),
    removeModelTag: (model, key) => mlflow.registry.deleteModelTag(model, key),

    async findAlias(model, alias) {
      const version = await mlflow.registry.getAlias(model, alias);
      return version === undefined
        ? undefined
        : weightsOf(version, (await mlflow.registry.getVersion(model, version)).tags);
    },
    setAlias: (model, alias, version) => mlflow.registry.setAlias(model, alias, version),
    removeAlias: (model, alias) => mlflow.registry.deleteAlias(model, alias),
    setVersionTags: (model, version, tags) => mlflow.registry.setVersionTags(model, version, tags),
    removeVersionTag: (model, version, key) => mlflow.registry.deleteVersionTag(model, version, key),
  };
}

const unlessMissing = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: unknown) => {
    if (isMlflowError(error, 'notFound')) return undefined;
    throw error;
  });

function weightsIn({
  version,
  tags,
}: Pick<RegisteredVersion, 'version'> & { readonly tags: Readonly<Record<string, string>> }): Partial<
  Pick<RegisteredVersion, 'weights'>
> {
  const weights = weightsOf(version, tags)?.weights;
  return weights ? { weights } : {};
}

/** Undefined for a version without our tags: another tool registered it, and its weights are unknown. */
function weightsOf(version: string, tags: Readonly<Record<string, string>>): RegisteredVersion | undefined {
  const uri = tags[tagNames.weightsUri];
  const digest = tags[tagNames.weightsDigest];
  return uri === undefined || digest === undefined ? undefined : { version, weights: { uri, digest } };
}

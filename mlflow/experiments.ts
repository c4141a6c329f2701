import { type Client } from './client.ts';
import { isMlflowError, MlflowError, present } from './errors.ts';
import { type Tags, toPairs } from './tags.ts';

export interface Experiments {
  /**
   * The experiment's ID. Creates the experiment if there is none. Safe under concurrent calls. An existing experiment
   * keeps its tags. Throws `rejected` for a deleted experiment, because MLflow still reserves its name.
   */
  ensure(name: string, tags?: Tags): Promise<string>;
  /** The experiment's ID. Undefined if there is none. */
  find(name: string): Promise<string | undefined>;
}

interface WireExperiment {
  readonly experiment_id?: string;
  readonly lifecycle_stage?: string;
}

export function createExperiments(client: Client): Experiments {
  async function read(name: string): Promise<string> {
    const fields = { experiment_name: name };
    const reply = await client.json<{ experiment?: WireExperiment }>('GET', '/experiments/get-by-name', fields);
    const experiment = present(reply.experiment, 'experiment');
    if (experiment.lifecycle_stage === 'deleted') {
      throw new MlflowError(
        'rejected',
        `the MLflow experiment ${name} was deleted; hint: restore it, or use another name`,
      );
    }
    return present(experiment.experiment_id, 'experiment.experiment_id');
  }

  async function create(name: string, tags?: Tags): Promise<string> {
    const reply = await client.json<WireExperiment>('POST', '/experiments/create', { name, tags: toPairs(tags) });
    return present(reply.experiment_id, 'experiment_id');
  }

  return {
    find: (name) =>
      read(name).catch((error: unknown) => {
        if (isMlflowError(error, 'notFound')) return undefined;
        throw error;
      }),
    async ensure(name, tags) {
      try {
        return await read(name);
      } catch (error) {
        if (!isMlflowError(error, 'notFound')) throw error;
      }
      try {
        return await create(name, tags);
      } catch (error) {
        if (!isMlflowError(error, 'exists')) throw error;
        return await read(name);
      }
    },
  };
}

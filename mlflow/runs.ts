import { type Client } from './client.ts';
import { present } from './errors.ts';
import { literal, tagKey, tagsEqual } from './filter.ts';
import { type Run, type RunStatus, type TerminalRunStatus, toRun, type WireRun } from './run.ts';
import { type RunLog } from './run-log.ts';
import { hasTags, refuseLong, type Tag, type Tags, toPairs } from './tags.ts';

export interface NewRun {
  readonly experimentId: string;
  readonly name: string;
  /** Identifies this run within its experiment, because MLflow has no idempotency key. */
  readonly idempotencyTag: Tag;
  readonly parentRunId?: string;
  readonly tags?: Tags;
  readonly params?: Tags;
}

export interface Runs {
  /**
   * The run with the idempotency tag. If there is none, opens one with the tag in the same request. An existing run
   * keeps its tags and its status. Check the status, because an earlier attempt may have ended the run. If two callers
   * open at the same moment, the older run wins and the other is deleted. MLflow has no atomic "open if absent": both
   * runs stay if the older one is written only after the caller of the younger one has searched. Throws `rejected` if a
   * param would change.
   */
  open(run: NewRun): Promise<Run>;
  /** Runs of the experiment with all these tags, newest first, at most 100. */
  findByTag(experimentId: string, tags: Tags, status?: RunStatus): Promise<Run[]>;
  /** All runs of the experiment that have a tag with this key, newest first, in pages. */
  withTag(experimentId: string, key: string): AsyncGenerator<Run>;
  /** Throws `notFound`. */
  get(runId: string): Promise<Run>;
  /** Idempotent: a run that has this status keeps its end time. Overwrites another status. */
  end(runId: string, status: TerminalRunStatus, endedAtMs?: number): Promise<void>;
}

interface Search {
  readonly experimentId: string;
  readonly tags: Tags;
  readonly status?: RunStatus | undefined;
  readonly order: 'ASC' | 'DESC';
}

interface Page {
  readonly runs?: readonly WireRun[];
  readonly next_page_token?: string;
}

const FOUND_AT_MOST = 100;

export function createRuns(client: Client, runLog: RunLog): Runs {
  async function search({ experimentId, tags, status, order }: Search): Promise<Run[]> {
    const clauses = [...tagsEqual(tags), ...(status === undefined ? [] : [`attributes.status = ${literal(status)}`])];
    const reply = await client.json<{ runs?: readonly WireRun[] }>('POST', '/runs/search', {
      experiment_ids: [experimentId],
      filter: clauses.join(' AND '),
      order_by: [`attributes.start_time ${order}`, 'attributes.run_id ASC'],
      max_results: FOUND_AT_MOST,
    });
    return (reply.runs ?? []).map(toRun).filter((run) => hasTags(run.tags, tags));
  }

  async function get(runId: string): Promise<Run> {
    return toRun(present((await client.json<{ run?: WireRun }>('GET', '/runs/get', { run_id: runId })).run, 'run'));
  }

  async function create({ experimentId, name, idempotencyTag, parentRunId, tags }: NewRun): Promise<Run> {
    const all = toPairs({
      ...tags,
      ...(parentRunId === undefined ? {} : { 'mlflow.parentRunId': parentRunId }),
      [idempotencyTag.key]: idempotencyTag.value,
    });
    refuseLong('tag', all);
    const fields = { experiment_id: experimentId, run_name: name, start_time: Date.now(), tags: all };
    return toRun(present((await client.json<{ run?: WireRun }>('POST', '/runs/create', fields)).run, 'run'));
  }

  async function adoptOrCreate(run: NewRun): Promise<Run> {
    const tags = { [run.idempotencyTag.key]: run.idempotencyTag.value };
    const oldest = async (): Promise<Run | undefined> =>
      (await search({ experimentId: run.experimentId, tags, order: 'ASC' }))[0];
    const found = await oldest();
    if (found) return found;
    const created = await create(run);
    const winner = (await oldest()) ?? created;
    if (winner.runId !== created.runId) await client.json('POST', '/runs/delete', { run_id: created.runId });
    return winner;
  }

  return {
    async open(run) {
      const opened = await adoptOrCreate(run);
      // Also logs for an existing run: the attempt that opened it may have failed before it logged its params.
      await runLog.log(opened.runId, { params: run.params ?? {} });
      return { ...opened, params: { ...opened.params, ...run.params } };
    },
    async *withTag(experimentId, key) {
      let pageToken: string | undefined;
      do {
        const page: Page = await client.json<Page>('POST', '/runs/search', {
          experiment_ids: [experimentId],
          filter: `tags.\`${tagKey(key)}\` != ''`,
          order_by: ['attributes.start_time DESC', 'attributes.run_id ASC'],
          max_results: FOUND_AT_MOST,
          page_token: pageToken,
        });
        yield* (page.runs ?? []).map(toRun).filter(({ tags }) => Object.hasOwn(tags, key));
        pageToken = page.next_page_token;
      } while (pageToken);
    },
    findByTag: (experimentId, tags, status) => search({ experimentId, tags, status, order: 'DESC' }),
    get,
    async end(runId, status, endedAtMs = Date.now()) {
      if ((await get(runId)).status === status) return;
      await client.json('POST', '/runs/update', { run_id: runId, status, end_time: endedAtMs });
    },
  };
}

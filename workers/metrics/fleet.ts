import type { Client } from '@temporalio/client';
import type { ReleaseTerms } from '../../domain/endpoint/roll-out.ts';
import type { ServingState } from '../../domain/endpoint/serving-state.ts';
import { recordPrefix, tags } from '../../domain/lineage/tracking.ts';
import type { ServedModel } from '../../mlflow/served-models.ts';
import { stageAttribute, verdictAttribute } from '../../workflows/search-attributes.ts';

/**
 * The state of all lifecycles and served models, on every worker. A part is undefined if its source does not answer.
 */
export interface Fleet {
  readonly lifecycles: LifecycleCounts | undefined;
  readonly models: readonly ModelStanding[] | undefined;
}

export interface LifecycleCounts {
  readonly running: number;
  /** Lifecycles closed within a day, by outcome. */
  readonly lastDay: Readonly<Record<'promoted' | 'rejected' | 'failed' | 'cancelled', number>>;
  readonly openReviews: number;
  /** Time since the start of the oldest lifecycle that awaits a review. 0 if there is none. */
  readonly oldestReviewSeconds: number;
}

export interface ModelStanding {
  readonly model: string;
  readonly ageDays: number;
  /** `refresh.maximumAgeDays` from the champion's spec, if set. */
  readonly maximumAgeDays: number | undefined;
  /** Endpoints whose record names another champion than the alias does. */
  readonly disagreeing: readonly string[];
  readonly agreeing: readonly string[];
}

const dayMs = 86_400_000;

export async function readFleet(
  client: Client,
  listModels: () => Promise<readonly ServedModel[]>,
  nowMs: number,
): Promise<Fleet> {
  const [lifecycles, models] = await Promise.all([
    countLifecycles(client, nowMs).catch(() => undefined),
    listModels().catch(() => undefined),
  ]);
  return { lifecycles, models: models?.map((model) => standingOf(model, nowMs)) };
}

async function countLifecycles({ workflow }: Client, nowMs: number): Promise<LifecycleCounts> {
  const running = "WorkflowType = 'lifecycle' AND ExecutionStatus = 'Running'";
  const closed = (how: string) =>
    `WorkflowType = 'lifecycle' AND CloseTime > '${new Date(nowMs - dayMs).toISOString()}' AND ${how}`;
  const inReview = `${running} AND ${stageAttribute.name} = 'review'`;
  const count = async (query: string): Promise<number> => (await workflow.count(query)).count;
  const [open, openReviews, promoted, rejected, failed, cancelled] = (await Promise.all(
    [
      running,
      inReview,
      closed(`${verdictAttribute.name} = 'promoted'`),
      closed(`${verdictAttribute.name} = 'rejected'`),
      closed("ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')"),
      closed("ExecutionStatus = 'Canceled'"),
    ].map(count),
  )) as [number, number, number, number, number, number];
  let oldestMs = nowMs;
  // The order can't be chosen on every visibility store, so the list is read to its end.
  if (openReviews > 0)
    for await (const { startTime } of workflow.list({ query: inReview }))
      oldestMs = Math.min(oldestMs, startTime.getTime());
  return {
    running: open,
    lastDay: { promoted, rejected, failed, cancelled },
    openReviews,
    oldestReviewSeconds: (nowMs - oldestMs) / 1000,
  };
}

/** A record counts for the model that it names as champion of that endpoint. */
export function standingOf({ name, tags: its, champion }: ServedModel, nowMs: number): ModelStanding {
  const records = Object.entries(its).flatMap(([key, value]) =>
    key.startsWith(recordPrefix)
      ? [{ endpoint: key.slice(recordPrefix.length), version: parse<ServingState>(value)?.champion?.version }]
      : [],
  );
  const agrees = ({ version }: { readonly version: string | undefined }): boolean => version === champion.version;
  return {
    model: name,
    ageDays: (nowMs - champion.createdAtMs) / dayMs,
    maximumAgeDays: parse<ReleaseTerms>(champion.tags[tags.releaseTerms])?.spec?.refresh?.maximumAgeDays,
    agreeing: records.filter(agrees).map(({ endpoint }) => endpoint),
    disagreeing: records.filter((record) => !agrees(record)).map(({ endpoint }) => endpoint),
  };
}

/** Null if the tag is not JSON, because other programs may write tags. */
function parse<T>(json = 'null'): DeepPartial<T> | null {
  try {
    return JSON.parse(json) as DeepPartial<T> | null;
  } catch {
    return null;
  }
}

type DeepPartial<T> = T extends object ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> } : T;

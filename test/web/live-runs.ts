import { tags } from '../../domain/lineage/tracking.ts';
import type { LiveParts } from '../../workers/console/live-lifecycles.ts';
import { artifact } from '../builders/artifacts.ts';

export const runs: LiveParts['mlflow']['runs'] = {
  findByTag: (_experiment, wanted) =>
    Promise.resolve(
      ['another', 'model'].map((weights) => ({
        ...{
          runId: `tune-of-${weights}`,
          experimentId: '1',
          name: 'tune',
          status: 'FINISHED' as const,
          artifactUri: '',
          startedAtMs: 0,
          metrics: {},
          params: {},
          inputs: [],
        },
        tags: {
          ...wanted,
          [tags.outcome]: JSON.stringify({ kind: 'succeeded', outputs: { model: artifact(weights) }, figures: {} }),
        },
      })),
    ),
  metricHistory: (runId, key) =>
    Promise.resolve(
      key === 'loss' ? [{ key, step: 1, value: runId === 'tune-of-model' ? 2.5 : 99, timestampMs: 0 }] : [],
    ),
};

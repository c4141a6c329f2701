import type { RegisteredFacts } from './lineage.ts';
import { tags as tagNames } from './tracking.ts';

/** A run in the form that the tracking server returns. */
export interface RecordedRun {
  readonly runId: string;
  readonly status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}

const ends = {
  RUNNING: undefined,
  SCHEDULED: undefined,
  FINISHED: 'COMPLETE',
  FAILED: 'FAIL',
  KILLED: 'ABORT',
} as const;

/** `jobs/tests/test_open_lineage.py` compares these addresses with the ones that OpenLineage's own client writes. */
const schemaURL = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const versionFacetURL =
  'https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet';

/**
 * Describes the lifecycle that made a model version as OpenLineage run events: its start, and its end once the run has
 * ended. Inputs: data, prompt, base model and code. Outputs: data set, evidence, weights and the version. A dataset has
 * the digest as its version; a prompt has its version number. `ourVersion` is the version of Tuneline that wrote the
 * events.
 */
export function openLineageOf(
  { name, version, tags }: RegisteredFacts,
  { runId, status, startedAtMs, endedAtMs }: RecordedRun,
  ourVersion: string,
): readonly object[] {
  const producer = `pkg:generic/tuneline@${ourVersion}`;
  const tag = (key: keyof typeof tagNames): string | undefined => tags[tagNames[key]];
  const dataset = (kind: string, called: string | undefined, digest: string | undefined) =>
    called === undefined
      ? []
      : [
          {
            namespace: `tuneline:${kind}`,
            name: called,
            ...(digest === undefined
              ? {}
              : { facets: { version: { _producer: producer, _schemaURL: versionFacetURL, datasetVersion: digest } } }),
          },
        ];
  const [promptName, promptVersion] = tag('promptVersion')?.split('/') ?? [];
  const inputs = [
    ...dataset('data', tag('data'), tag('dataDigest')),
    ...dataset('prompt', promptName, promptVersion),
    ...dataset('base-model', tag('baseModel'), tag('baseModelDigest')),
    ...dataset('code', tag('codeRevision'), tag('codeDigest')),
  ];
  const outputs = [
    ...dataset('dataset', tag('data'), tag('datasetDigest')),
    ...dataset('weights', tag('weightsUri'), tag('weightsDigest')),
    ...dataset('evidence', name, tag('evidenceDigest')),
    ...dataset('model', name, version),
  ];
  const event = (
    eventType: 'START' | NonNullable<(typeof ends)[typeof status]>,
    atMs: number,
    out: typeof outputs,
  ) => ({
    eventType,
    eventTime: new Date(atMs).toISOString(),
    producer,
    schemaURL,
    run: { runId: uuidOf(runId) },
    job: { namespace: 'tuneline', name: `lifecycle.${name}` },
    inputs,
    outputs: out,
  });
  const end = ends[status];
  return [
    event('START', startedAtMs, []),
    ...(end === undefined || endedAtMs === undefined ? [] : [event(end, endedAtMs, outputs)]),
  ];
}

/** MLflow writes a run's ID as a UUID without its dashes. */
const uuidOf = (runId: string): string => runId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

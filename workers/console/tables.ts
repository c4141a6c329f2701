import type { Artifact } from '../../domain/job/job.ts';

/** A reader pages through one table at a time. */
const tablesKept = 4;

/** Reads JSON Lines and makes a row of each line. Caches the last few tables by digest. */
export function createTables<Row>(
  read: (artifact: Artifact) => Promise<string>,
  toRow: (raw: Readonly<Record<string, unknown>>) => Row,
): (artifact: Artifact) => Promise<readonly Row[]> {
  const tables = new Map<string, readonly Row[]>();
  return async (artifact) => {
    const table = tables.get(artifact.digest) ?? parseTable(await read(artifact), toRow);
    tables.delete(artifact.digest);
    tables.set(artifact.digest, table);
    if (tables.size > tablesKept) tables.delete(tables.keys().next().value ?? '');
    return table;
  };
}

const parseTable = <Row>(text: string, toRow: (raw: Readonly<Record<string, unknown>>) => Row): Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => toRow(JSON.parse(line) as Readonly<Record<string, unknown>>));

/** Any JSON value as text, because a Job may write any value into a table. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { checkLifecycleSpec, describeProblems, type Problem, type SpecCheck } from '../domain/spec/explain-spec.ts';
import type { LifecycleSpec } from '../domain/spec/lifecycle-spec.ts';
import type { Dependencies, Workspace } from './dependencies.ts';
import { resolveBaseModel, resolveData, resolveFile, resolveHarnessTasks } from './references.ts';

export const createSpecActivities = ({ workspace }: Pick<Dependencies, 'workspace'>) => ({
  /**
   * Returns the spec with its defaults. Fails without a retry if any field is wrong, and names each of them. Starts and
   * writes nothing.
   */
  async checkSpec(raw: unknown): Promise<LifecycleSpec> {
    const checked = await examineSpec(raw, workspace);
    if (!checked.ok) throw refused(checked.problems);
    return checked.spec;
  },
});

/** Checks the spec itself, and that the files and models that it names exist and fit. */
export async function examineSpec(raw: unknown, workspace: Workspace): Promise<SpecCheck> {
  const checked = checkLifecycleSpec(raw);
  const problems = checked.ok ? await checkReferences(checked.spec, workspace) : [];
  return problems.length === 0 ? checked : { ok: false, problems };
}

const refused = (problems: readonly Problem[]): ApplicationFailure =>
  ApplicationFailure.nonRetryable(describeProblems(problems), 'BadSpec', problems);

async function checkReferences(spec: LifecycleSpec, workspace: Workspace): Promise<Problem[]> {
  const [data, prompt, baseModel, harnessTasks] = await Promise.all([
    resolveData(spec.data.path, workspace),
    resolveFile(spec.prompt.path, 'prompt.path', workspace),
    resolveBaseModel(spec.baseModel, workspace),
    resolveHarnessTasks(spec, workspace),
  ]);
  return [
    ...[data, prompt, baseModel, harnessTasks].flatMap((r) => (r === undefined || r.ok ? [] : [r.problem])),
    ...(data.ok ? await checkColumns(spec, data.uri) : []),
    ...(prompt.ok ? await checkPlaceholders(spec, prompt.uri) : []),
    ...checkProcesses(spec, workspace),
  ];
}

/**
 * Each GPU of each node has one process. The processes share a batch, so its size must be divisible by their number.
 */
function checkProcesses(
  { tune: { nodes, batchSize, gradientAccumulation } }: LifecycleSpec,
  { cluster }: Workspace,
): Problem[] {
  if (!cluster)
    return nodes === 1
      ? []
      : [
          {
            path: 'tune.nodes',
            message: `expected 1, for this machine runs the Jobs, got ${nodes}; a cluster has more (TUNELINE_RUNNER=kubernetes)`,
          },
        ];
  const processes = nodes * Math.max(1, cluster.gpusPerNode);
  if ((batchSize * gradientAccumulation) % processes === 0) return [];
  return [
    {
      path: 'tune.batchSize',
      message: `expected with tune.gradientAccumulation a multiple of ${processes}, for so many processes share the batch (tune.nodes ${nodes}, TUNELINE_JOB_GPUS ${cluster.gpusPerNode}), got ${batchSize} × ${gradientAccumulation}`,
    },
  ];
}

/** Checks the first row only; the prepare stage checks every row. */
async function checkColumns({ data, evaluate }: LifecycleSpec, uri: string): Promise<Problem[]> {
  const columns = await firstRowColumns(uri);
  if (columns === undefined) return [];
  const asked = [
    ...data.input.map((column, i) => ({ path: `data.input[${i}]`, column })),
    { path: 'data.target', column: data.target },
    ...(data.group === undefined ? [] : [{ path: 'data.group', column: data.group }]),
    ...(evaluate.slices ?? []).map((column, i) => ({ path: `evaluate.slices[${i}]`, column })),
  ];
  return asked
    .filter(({ column }) => !columns.includes(column))
    .map(({ path, column }) => ({
      path,
      message: `the data has no column ${JSON.stringify(column)}; it has ${columns.join(', ') || 'none'}`,
    }));
}

async function firstRowColumns(uri: string): Promise<string[] | undefined> {
  if (!uri.startsWith('file:') || !uri.endsWith('.jsonl')) return undefined;
  const file = createReadStream(fileURLToPath(uri));
  const lines = createInterface({ input: file });
  try {
    for await (const line of lines) {
      const row: unknown = JSON.parse(line);
      return typeof row === 'object' && row !== null ? Object.keys(row) : undefined;
    }
  } catch {
    return undefined;
  } finally {
    lines.close();
    // Closing the reader only pauses the file, and a paused file stays open.
    file.destroy();
  }
  return [];
}

async function checkPlaceholders({ data, prompt }: LifecycleSpec, uri: string): Promise<Problem[]> {
  const template = await readFile(fileURLToPath(uri), 'utf8');
  const used = [...template.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g)].map((match) => match[1] ?? '');
  if (used.length === 0)
    return [
      {
        path: 'prompt.path',
        message: `${prompt.path} has no {{column}} placeholder, so every prompt would be the same`,
      },
    ];
  return used
    .filter((column) => !data.input.includes(column))
    .map((column) => ({
      path: 'prompt.path',
      message: `${prompt.path} uses {{${column}}}, and data.input has ${data.input.join(', ')}`,
    }));
}

import type { Evidence, Interval } from './evidence.ts';
import type { Verdict } from './gate.ts';
import type { Artifact } from './job.ts';
import type { LifecycleSpec } from './lifecycle-spec.ts';
import type { LifecycleInputs } from './lifecycle.ts';
import type { ReviewRecord } from './review.ts';

export interface ModelCardFacts {
  readonly version: string;
  readonly workflowId: string;
  readonly spec: LifecycleSpec;
  readonly inputs: LifecycleInputs;
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Evidence;
  readonly evidenceDigest: string;
  readonly verdict?: Verdict;
  readonly review?: ReviewRecord;
}

/** Markdown, from what was logged and nothing else: the same facts give the same text. */
export function modelCard(facts: ModelCardFacts): string {
  const { version, workflowId, spec, inputs, weights, dataset, evidence, evidenceDigest } = facts;
  const { data, tune, prompt, baseModel, model } = spec;
  return [
    `# ${line(model)} version ${version}`,
    `${code(baseModel)}, tuned by ${tune.method} on ${code(data.path)} in the lifecycle ${code(workflowId)}${spec.requester === undefined ? '' : `, which ${line(spec.requester)} asked for`}.`,
    '## Training',
    table(['what', 'value'], [
      ['input columns', data.input.join(', ')],
      ['target column', data.target],
      ['prompt', `${prompt.name}/${inputs.prompt.version}`],
      ...Object.entries(tune).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
      ['seed', String(spec.seed)],
    ]),
    `## Evaluation`,
    `On ${evidence.dataset.examples} held-out examples; intervals at ${Number((evidence.confidence * 100).toFixed(1))} %, from ${evidence.bootstrapSamples} bootstrap samples.`,
    evaluation(evidence),
    ...(facts.verdict ? ['## Gate', table(['rule', 'passed', 'finding'], facts.verdict.findings.map(({ rule, passed, finding }) => [rule, passed ? 'yes' : 'no', finding]))] : []),
    '## Review',
    review(facts.review),
    '## Digests',
    table(['what', 'digest'], [
      ['source data', inputs.data.digest],
      ['data set', dataset.digest],
      ['base model', inputs.baseModel.digest],
      ['code', `${inputs.codeDigest} (${inputs.codeRevision})`],
      ['weights', weights.digest],
      ['evidence', evidenceDigest],
      ...(facts.review ? [['approved', facts.review.digest]] : []),
    ]),
  ].join('\n\n') + '\n';
}

function evaluation({ models, differences }: Evidence): string {
  const roles = (['candidate', 'champion', 'base'] as const).filter((role) => models[role] !== undefined);
  const metrics = Object.keys(models.candidate?.metrics ?? {}) as (keyof NonNullable<typeof models.candidate>['metrics'])[];
  const references = (['champion', 'base'] as const).filter((role) => differences[role] !== undefined);
  return table(
    ['metric', ...roles, ...references.map((role) => `candidate less ${role}`)],
    metrics.map((metric) => [metric, ...roles.map((role) => figure(models[role]?.metrics[metric])), ...references.map((role) => figure(differences[role]?.[metric]))]),
  );
}

function review(record: ReviewRecord | undefined): string {
  if (record === undefined) return 'The gate alone decided.';
  return [
    ...record.decisions.map(({ at, reviewer, decision, comment }) => `- ${at} ${line(reviewer)}: ${decision}${comment ? ` — ${line(comment)}` : ''}`),
    ...record.comments.map(({ at, author, text }) => `- ${at} ${line(author)} — ${line(text)}`),
  ].join('\n');
}

const figure = (measured: Interval | undefined): string => (measured === undefined ? '–' : `${short(measured.point)} [${short(measured.low)}, ${short(measured.high)}]`);
const short = (x: number): string => String(Number(x.toPrecision(4)));

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(line))].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** What people or data said stays text, on one line: no tag, no link with other words, no cell of its own. */
const line = (text: string): string => text.replace(/\s+/g, ' ').trim().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replace(/[\\`*_|~]|(?<=\])\(/g, '\\$&');
const code = (text: string): string => `\`${text.replace(/[\s`]+/g, ' ')}\``;

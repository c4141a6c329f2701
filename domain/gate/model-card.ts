import type { Block } from '../report/document.ts';
import { type Evidence, type Interval, shownRoles, withCurrency } from './evidence.ts';
import type { Verdict } from './gate.ts';
import type { Artifact } from '../job/job.ts';
import type { Metric, Rule } from '../spec/gate-rules.ts';
import type { LifecycleSpec } from '../spec/lifecycle-spec.ts';
import type { LifecycleInputs } from '../lifecycle/lifecycle.ts';
import type { ReviewRecord } from '../review/review.ts';

export interface ModelCardFacts {
  readonly version: string;
  readonly workflowId: string;
  readonly spec: LifecycleSpec;
  readonly inputs: LifecycleInputs;
  readonly weights: Artifact;
  readonly dataset: Artifact;
  readonly evidence: Evidence;
  readonly evidenceDigest: string;
  readonly verdict?: Verdict | undefined;
  readonly review?: ReviewRecord | undefined;
}

/** Uses only facts that were logged: the same facts give the same card. */
export function modelCard(facts: ModelCardFacts): readonly Block[] {
  const { version, workflowId, spec, inputs, evidence } = facts;
  const { data, tune, prompt, baseModel, model, requester } = spec;
  return [
    { kind: 'title', text: `${model} version ${version}` },
    {
      kind: 'paragraph',
      text: `${baseModel}, tuned by ${tune.method} on ${data.path} in the lifecycle ${workflowId}${requester === undefined ? '' : `, which ${requester} asked for`}.`,
    },
    { kind: 'heading', text: 'Training' },
    table('what', 'value', [
      ['input columns', data.input.join(', ')],
      ['target column', data.target],
      ['prompt', `${prompt.name}/${inputs.prompt.version}`],
      ...Object.entries(tune).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
      ['seed', String(spec.seed)],
    ]),
    { kind: 'heading', text: 'Evaluation' },
    {
      kind: 'paragraph',
      text: `On ${evidence.dataset.examples} held-out examples; intervals at ${Number((evidence.confidence * 100).toFixed(1))} %, from ${evidence.bootstrapSamples} bootstrap samples.`,
    },
    evaluation(evidence, spec.evaluate.currency),
    ...slices(evidence, spec.gate),
    ...attacks(evidence),
    ...gate(facts.verdict, spec.evaluate.currency),
    { kind: 'heading', text: 'Review' },
    review(facts.review),
    { kind: 'heading', text: 'Digests' },
    digests(facts),
  ];
}

function evaluation({ models, differences }: Evidence, currency: string | undefined): Block {
  const roles = shownRoles.filter((role) => models[role] !== undefined);
  const metrics = Object.keys(models.candidate?.metrics ?? {}) as Metric[];
  const references = (['champion', 'base'] as const).filter((role) => differences[role] !== undefined);
  return {
    kind: 'table',
    head: ['metric', ...roles, ...references.map((role) => `candidate less ${role}`)],
    rows: metrics.map((metric) => [
      withCurrency(metric, metric, currency),
      ...roles.map((role) => figure(models[role]?.metrics[metric])),
      ...references.map((role) => figure(differences[role]?.[metric])),
    ]),
  };
}

/** The gate's metrics on each slice. If no rule names a metric of the slices, the first of their metrics. */
function slices(evidence: Evidence, rules: readonly Rule[]): readonly Block[] {
  const parts = evidence.slices;
  const reference = evidence.differences.champion ? 'champion' : 'base';
  const known = Object.keys(parts[0]?.differences[reference] ?? {}) as Metric[];
  const ruled = known.filter((metric) => rules.some((rule) => rule.metric === metric));
  const metrics = ruled.length > 0 ? ruled : known.slice(0, 1);
  if (metrics.length === 0) return [];
  return [
    { kind: 'heading', text: 'Slices' },
    {
      kind: 'paragraph',
      text: `Candidate less ${reference} on parts of the held-out examples: a gain on the whole can hide a loss.`,
    },
    {
      kind: 'table',
      head: ['by', 'slice', 'examples', ...metrics],
      rows: parts.map(({ by, value, examples, differences }) => [
        by,
        value,
        String(examples),
        ...metrics.map((metric) => figure(differences[reference]?.[metric])),
      ]),
    },
  ];
}

function attacks({ attacks: made }: Evidence): readonly Block[] {
  if (made === undefined) return [];
  const families = Object.entries(made.families);
  const roles = shownRoles.filter((role) => families.some(([, tallies]) => tallies[role]));
  return [
    { kind: 'heading', text: 'Attacks' },
    { kind: 'paragraph', text: `How many attacks of ${made.suite} succeeded, of those made; fewer are better.` },
    {
      kind: 'table',
      head: ['family', ...roles],
      rows: families.map(([family, tallies]) => [family, ...roles.map((role) => tally(tallies[role]))]),
    },
  ];
}

function gate(verdict: Verdict | undefined, currency: string | undefined): readonly Block[] {
  if (verdict === undefined) return [];
  return [
    { kind: 'heading', text: 'Gate' },
    {
      kind: 'table',
      head: ['rule', 'passed', 'finding'],
      rows: verdict.findings.map(({ rule, metric, passed, finding }) => [
        withCurrency(rule, metric, currency),
        passed ? 'yes' : 'no',
        finding,
      ]),
    },
  ];
}

function review(record: ReviewRecord | undefined): Block {
  if (record === undefined) return { kind: 'paragraph', text: 'The gate alone decided.' };
  const decisions = record.decisions.map(
    ({ at, reviewer, decision, comment }) => `${at} ${reviewer}: ${decision}${comment ? ` — ${comment}` : ''}`,
  );
  return {
    kind: 'list',
    items: [...decisions, ...record.comments.map(({ at, author, text }) => `${at} ${author} — ${text}`)],
  };
}

const digests = ({ inputs, dataset, weights, evidenceDigest, review: record }: ModelCardFacts): Block =>
  table('what', 'digest', [
    ['source data', inputs.data.digest],
    ['data set', dataset.digest],
    ['base model', inputs.baseModel.digest],
    ['code', `${inputs.codeDigest} (${inputs.codeRevision})`],
    ['weights', weights.digest],
    ['evidence', evidenceDigest],
    ...(record ? [['approved', record.digest]] : []),
  ]);

const table = (name: string, value: string, rows: readonly (readonly string[])[]): Block => ({
  kind: 'table',
  head: [name, value],
  rows,
});
const figure = (measured: Interval | undefined): string =>
  measured === undefined ? '–' : `${short(measured.point)} [${short(measured.low)}, ${short(measured.high)}]`;
const tally = (found: { readonly attacks: number; readonly succeeded: number } | undefined): string =>
  found === undefined ? '–' : `${found.succeeded} of ${found.attacks}`;
const short = (x: number): string => String(Number(x.toPrecision(4)));

import { costMetric, withCurrency } from '../../domain/gate/evidence.ts';
import { toMarkdown, type Block } from '../../domain/report/document.ts';
import type { Summary } from './summary.ts';
import { duration, gpuHours, hours } from './amounts.ts';
import { neutralizeMentions } from './neutralize-mentions.ts';

/** The report for a pull request: the verdict, its reasons, the cost, and links to more. */
export function toMarkdownReport(summary: Summary): string {
  return toMarkdown([
    {
      kind: 'heading',
      text: `${summary.model ?? summary.workflowId}: ${headlines[summary.verdict]}${versionOf(summary)}`,
    },
    ...(summary.reason === undefined || summary.refusedBy === 'gate'
      ? []
      : [{ kind: 'paragraph' as const, text: neutralizeMentions(summary.reason) }]),
    ...gate(summary),
    ...cost(summary),
    links(summary),
  ]);
}

function versionOf({ version, verdict, reason }: Summary): string {
  if (version === undefined) return '';
  if (verdict !== 'unchanged') return ` as version ${version}`;
  return `, version ${version} ${reason === undefined ? 'serves' : 'was refused'}`;
}

const headlines: Readonly<Record<Summary['verdict'], string>> = {
  promoted: 'promoted',
  unchanged: 'unchanged',
  rejected: 'rejected, nothing was promoted',
  failed: 'failed',
  awaitingReview: 'awaiting a review',
};

/** Keeps a comment below its limit of 65,536 characters. Failed rules come first, so they are never left out. */
const maximumRules = 50;

function gate({ gate: findings, currency }: Summary): readonly Block[] {
  if (findings.length === 0) return [];
  const sorted = [...findings.filter(({ passed }) => !passed), ...findings.filter(({ passed }) => passed)];
  const left = sorted.length - maximumRules;
  return [
    {
      kind: 'table',
      head: ['gate', 'rule', 'finding'],
      rows: sorted
        .slice(0, maximumRules)
        .map(({ rule, metric, passed, finding }) => [
          passed ? 'pass' : 'FAIL',
          neutralizeMentions(withCurrency(rule, metric, currency)),
          neutralizeMentions(finding),
        ]),
    },
    ...(left > 0
      ? [{ kind: 'paragraph' as const, text: `And ${left} more rules, all of them in the run in MLflow.` }]
      : []),
  ];
}

function cost({ stages, seconds, currency }: Summary): readonly Block[] {
  if (stages.length === 0) return [];
  const fresh = stages.filter(({ reused }) => !reused);
  const gpuSeconds = fresh.reduce((all, { figures }) => all + (figures['gpuSeconds'] ?? 0), 0);
  const requests = stages.findLast(({ figures }) => figures[`candidate/${costMetric}`] !== undefined)?.figures[
    `candidate/${costMetric}`
  ];
  return [
    {
      kind: 'paragraph',
      text: `It took ${duration(seconds)} and ${gpuHours(gpuSeconds)}.${requests === undefined ? '' : ` 1,000 requests cost ${Number(requests.toPrecision(4))}${currency === undefined ? '' : ` ${currency}`}.`}`,
    },
    {
      kind: 'table',
      head: ['stage', 'time', 'GPU-hours'],
      rows: stages.map((stage) => [
        stage.stage,
        stage.reused ? 'reused' : duration(stage.seconds),
        stage.figures['gpuSeconds'] && !stage.reused ? hours(stage.figures['gpuSeconds']) : '–',
      ]),
    },
  ];
}

const links = ({ workflowId, addresses }: Summary): Block => ({
  kind: 'links',
  items: [
    ['console', addresses.console],
    ['Temporal', addresses.lifecycle],
    ['MLflow', addresses.mlflow],
    ['endpoint', addresses.endpoint],
  ].flatMap(([text, url]) =>
    text === undefined || url === undefined
      ? []
      : [{ text: text === 'console' ? `lifecycle ${workflowId}` : text, url }],
  ),
});

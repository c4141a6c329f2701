import { costMetric, withCurrency } from '../../domain/gate/evidence.ts';
import { toMarkdown, type Block } from '../../domain/report/document.ts';
import type { Summary } from './summary.ts';
import { duration, gpuHours, hours } from './amounts.ts';
import { neutralizeMentions } from './neutralize-mentions.ts';

/** What a pull request shows of a lifecycle: the verdict, why, what it cost, and where there is more. */
export function toMarkdownReport(summary: Summary): string {
  return toMarkdown([
    {
      kind: 'heading',
      text: `${summary.model ?? summary.workflowId}: ${headlines[summary.verdict]}${summary.version === undefined ? '' : summary.verdict === 'unchanged' ? `, version ${summary.version} ${summary.reason === undefined ? 'serves' : 'was refused'}` : ` as version ${summary.version}`}`,
    },
    ...(summary.reason === undefined || summary.refusedBy === 'gate'
      ? []
      : [{ kind: 'paragraph' as const, text: neutralizeMentions(summary.reason) }]),
    ...gate(summary),
    ...cost(summary),
    links(summary),
  ]);
}

const headlines: Readonly<Record<Summary['verdict'], string>> = {
  promoted: 'promoted',
  unchanged: 'unchanged',
  rejected: 'rejected, nothing was promoted',
  failed: 'failed',
  awaitingReview: 'awaiting a review',
};

/** A comment has room for 65,536 characters. What failed comes first, so it is never what is left out. */
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

import { toJunitXml, type JunitCase, type JunitSuite } from '../../domain/report/junit.ts';
import { lifecycleStages, type Stage } from '../../domain/job/stages.ts';
import type { Summary } from './summary.ts';

/** Each stage is a test case, and each rule of the gate is one. */
export const toJunit = (summary: Summary, at = new Date()): string => toJunitXml(suitesOf(summary), at);

function suitesOf(summary: Summary): readonly JunitSuite[] {
  const { workflowId, model = 'lifecycle', verdict, gate, reason } = summary;
  const common = { package: model, properties: { lifecycle: workflowId, verdict } };
  const reused = summary.stages.filter((stage) => stage.reused).map(({ stage }) => `${stage} was reused`);
  return [
    {
      ...common,
      name: 'stages',
      cases: casesOf(summary),
      output: [...(reason === undefined ? [] : [reason]), ...reused].join('\n'),
    },
    ...(gate.length === 0
      ? []
      : [
          {
            ...common,
            name: 'gate',
            cases: gate.map(({ rule, passed, finding }) => ({
              name: rule,
              ...(passed ? {} : { failed: { as: 'failure' as const, type: 'gate', message: finding } }),
            })),
          },
        ]),
  ];
}

function casesOf(summary: Summary): readonly JunitCase[] {
  const stop = stopOf(summary);
  const expected: readonly Stage[] = lifecycleStages.filter((stage) => stage !== 'review' || summary.needsReview);
  const cases = expected.map((name): JunitCase => {
    const finished = summary.stages.find(({ stage }) => stage === name);
    if (finished) return { name, seconds: finished.seconds };
    if (stop === undefined) return { name };
    if (name === stop.at) return { name, ...stop.how };
    // Review leaves nothing behind among the finished stages, and came before.
    return lifecycleStages.indexOf(name) < lifecycleStages.indexOf(stop.at as Stage)
      ? { name }
      : { name, skipped: stop.why };
  });
  return stop === undefined || expected.includes(stop.at as Stage) || stop.at === 'gate'
    ? cases
    : [{ name: stop.at, ...stop.how }, ...cases];
}

interface Stop {
  /** A stage, or what stands before or between them. */
  readonly at: string;
  readonly how: Pick<JunitCase, 'failed' | 'skipped'>;
  /** Said of the stages behind it. */
  readonly why: string;
}

/** Undefined where nothing stopped it. */
function stopOf({ verdict, reason = '', refusedBy, failedAt }: Summary): Stop | undefined {
  switch (verdict) {
    case 'promoted':
      return undefined;
    case 'unchanged':
      return { at: 'explore', how: { skipped: unchangedBecause(reason) }, why: unchangedBecause(reason) };
    case 'failed':
      return {
        at: failedAt ?? 'lifecycle',
        how: { failed: { as: 'error', type: 'failed', message: reason } },
        why: 'did not run: the lifecycle failed before',
      };
    case 'awaitingReview':
      return { at: 'review', how: { skipped: reason }, why: 'did not run yet: a review is awaited' };
    case 'rejected': {
      if (refusedBy === 'gate') return { at: 'gate', how: {}, why: 'did not run: the gate refused' };
      const at = refusedBy === undefined || !reviewRefuses.has(refusedBy) ? 'deploy' : 'review';
      return {
        at,
        how: { failed: { as: 'failure', type: refusedBy ?? 'rejected', message: reason } },
        why: 'did not run: the candidate was rejected',
      };
    }
  }
}

const unchangedBecause = (reason: string): string =>
  `did not run: ${reason === '' ? 'it would only have come to the version that serves' : reason}`;

/** Who else refuses does so while it is deployed. */
const reviewRefuses: ReadonlySet<string> = new Set(['reviewer', 'deadline', 'stale']);

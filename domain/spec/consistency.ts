import type { z } from 'zod';
import type { DataSpec } from './data-spec.ts';
import type { DeploySpec } from './deploy-spec.ts';
import type { EvaluateSpec } from './evaluate-spec.ts';
import type { Metric, Rule } from './gate-rules.ts';
import type { MonitorSpec } from './monitor-spec.ts';
import type { ReviewSpec } from './review-spec.ts';

/** The fields of a lifecycle's spec that depend on each other. */
interface DependentFields {
  readonly requester?: string;
  readonly data: DataSpec;
  readonly evaluate: EvaluateSpec;
  readonly gate: readonly Rule[];
  readonly review: ReviewSpec;
  readonly deploy: DeploySpec;
  readonly monitor?: MonitorSpec;
  readonly tracking: readonly string[];
}

interface Inconsistency {
  readonly path: readonly (string | number)[];
  /** The value that was expected at the path. */
  readonly message: string;
}

type Check = (fields: DependentFields) => readonly Inconsistency[];

/** Adds an issue for each field that contradicts another one. */
export function addInconsistencies(fields: DependentFields, context: z.RefinementCtx): void {
  for (const { path, message } of checks.flatMap((check) => check(fields)))
    context.addIssue({ code: 'custom', path: [...path], message });
}

const when = (isWrong: boolean, path: Inconsistency['path'], message: string): readonly Inconsistency[] =>
  isWrong ? [{ path, message }] : [];

const hasRuleOn = (metric: Metric, gate: readonly Rule[]): boolean => gate.some((rule) => rule.metric === metric);

const checkExamples: Check = ({ data, evaluate }) =>
  when(evaluate.examples > data.heldOutExamples, ['evaluate', 'examples'], 'at most data.heldOutExamples');

const checkTracking: Check = ({ tracking }) =>
  when(
    !tracking.includes('mlflow'),
    ['tracking'],
    '"mlflow" among them, because it keeps the record: ["mlflow", "wandb"]',
  );

const checkRequester: Check = ({ review, requester }) =>
  when(
    review.by === 'person' && review.twoPersonRule && requester === undefined,
    ['requester'],
    'a name, because review.twoPersonRule needs to know who asked',
  );

const checkAttacks: Check = ({ evaluate: { attacks }, deploy, gate }) => [
  ...when(
    !attacks && deploy.qa.attacks !== 0,
    ['evaluate', 'attacks'],
    'true, because deploy.qa.attacks asks those that the candidate withstood',
  ),
  ...when(
    !attacks && hasRuleOn('attackSuccessRate', gate),
    ['evaluate', 'attacks'],
    'true, because the gate has a rule on attackSuccessRate',
  ),
];

const checkJudge: Check = ({ evaluate: { judge }, gate }) =>
  when(
    judge === undefined && hasRuleOn('judgedGroundedness', gate),
    ['evaluate', 'judge'],
    'a model and its address, because the gate has a rule on judgedGroundedness',
  );

const checkCost: Check = ({ evaluate: { costPerHour }, gate, monitor }) => [
  ...when(
    costPerHour === undefined && hasRuleOn('costPer1000Requests', gate),
    ['evaluate', 'costPerHour'],
    'what an hour costs, because the gate has a rule on costPer1000Requests',
  ),
  ...when(
    costPerHour === undefined && (monitor?.rules ?? []).some(({ rule }) => rule === 'costPer1000Requests'),
    ['evaluate', 'costPerHour'],
    'what an hour costs, because the monitor has a rule on costPer1000Requests',
  ),
];

const checkSlices: Check = ({ gate, evaluate }) => {
  const slices = ['length', ...(evaluate.slices ?? [])];
  return gate.flatMap((rule, index) =>
    when(
      rule.rule === 'noSliceWorseThanChampion' && rule.by !== undefined && !slices.includes(rule.by),
      ['gate', index, 'by'],
      `one of ${slices.join(', ')}, or a column that evaluate.slices names, too`,
    ),
  );
};

const checkSuites: Check = ({ gate, evaluate: { harness, garak } }) =>
  gate.flatMap(({ metric }, index) => {
    const path = ['gate', index, 'metric'];
    const [suite, asked = ''] = metric.split('/');
    return [
      ...when(
        suite === 'harness' && !harness?.tasks.includes(asked),
        path,
        'a metric of a task that evaluate.harness.tasks names',
      ),
      ...when(suite === 'garak' && !garak?.probes.includes(asked), path, 'a probe that evaluate.garak.probes names'),
    ];
  });

const checkInput: Check = ({ data }) =>
  when(
    data.input.includes(data.target),
    ['data', 'input'],
    'columns other than data.target, or the model would be shown the answer',
  );

const checks: readonly Check[] = [
  checkExamples,
  checkTracking,
  checkRequester,
  checkAttacks,
  checkJudge,
  checkCost,
  checkSlices,
  checkSuites,
  checkInput,
];

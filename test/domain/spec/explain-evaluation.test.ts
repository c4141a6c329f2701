import { describe, expect, test } from '@jest/globals';
import type { Problem } from '../../../domain/spec/explain-spec.ts';
import { specInput } from '../../builders/specs.ts';
import { mistyped, problemsOf } from './spec-problems.ts';

describe('a spec that asks for what nothing measures', () => {
  test.each<[string, unknown, Problem]>([
    [
      'a rule on attacks that nobody makes',
      specInput({ gate: [{ rule: 'atMost', metric: 'attackSuccessRate', value: 0.1 }] }),
      {
        path: 'evaluate.attacks',
        message: 'expected true, because the gate has a rule on attackSuccessRate, got nothing',
      },
    ],
    [
      'a rule on a judge that nobody names',
      specInput({ gate: [{ rule: 'atLeast', metric: 'judgedGroundedness', value: 0.9 }] }),
      {
        path: 'evaluate.judge',
        message: 'expected a model and its address, because the gate has a rule on judgedGroundedness, got nothing',
      },
    ],
    [
      'a judge whose password stands in the spec',
      specInput({
        evaluate: { examples: 16, judge: { model: 'org/judge', address: 'https://me:secret@judge.example/v1' } },
      }),
      {
        path: 'evaluate.judge.address',
        message:
          'expected http(s)://HOST[:PORT]/PATH without a user, a password or a query; the key is TUNELINE_JUDGE_API_KEY, got "https://me:secret@judge.example/v1"',
      },
    ],
    [
      'a judge without an address',
      mistyped({ evaluate: { examples: 16, judge: { model: 'org/judge' } } }),
      { path: 'evaluate.judge.address', message: 'expected a text, got nothing' },
    ],
    [
      'a rule on slices that nobody cuts',
      specInput({
        gate: [
          { rule: 'atLeast', metric: 'bleu', value: 5 },
          { rule: 'noSliceWorseThanChampion', metric: 'bleu', byMoreThan: 1, by: 'source' },
        ],
      }),
      {
        path: 'gate[1].by',
        message: 'expected one of length, or a column that evaluate.slices names, too, got "source"',
      },
    ],
    [
      'a rule on slices of what is measured on the whole',
      mistyped({ gate: [{ rule: 'noSliceWorseThanChampion', metric: 'modelBytes', byMoreThan: 1 }] }),
      {
        path: 'gate[0].metric',
        message:
          'expected one of bleu, chrf, rouge1, rouge2, rougeL, rougeLsum, exactMatch, tokenF1, perplexity, repetition, groundedness, judgedGroundedness, got "modelBytes"',
      },
    ],
    [
      'a rule on a task that nobody runs',
      specInput({
        evaluate: { examples: 16, harness: { tasks: ['arc_easy'] } },
        gate: [
          { rule: 'atLeast', metric: 'harness/arc_easy/acc', value: 0 },
          { rule: 'atLeast', metric: 'harness/piqa/acc', value: 0 },
        ],
      }),
      {
        path: 'gate[1].metric',
        message: 'expected a metric of a task that evaluate.harness.tasks names, got "harness/piqa/acc"',
      },
    ],
    [
      'a rule on a task where there are none',
      specInput({ gate: [{ rule: 'noWorseThanChampion', metric: 'harness/piqa/acc', byMoreThan: 0.02 }] }),
      {
        path: 'gate[0].metric',
        message: 'expected a metric of a task that evaluate.harness.tasks names, got "harness/piqa/acc"',
      },
    ],
    [
      'a task named twice',
      specInput({ evaluate: { examples: 16, harness: { tasks: ['piqa', 'piqa'] } } }),
      { path: 'evaluate.harness.tasks', message: 'expected each task once, got ["piqa","piqa"]' },
    ],
    [
      'a task by no name',
      specInput({ evaluate: { examples: 16, harness: { tasks: ['../piqa'] } } }),
      {
        path: 'evaluate.harness.tasks[0]',
        message: 'expected a name of letters, digits, dots, dashes and underscores, got "../piqa"',
      },
    ],
    [
      'a rule on a probe that nobody runs',
      specInput({
        evaluate: { examples: 16, garak: { probes: ['dan'] } },
        gate: [
          { rule: 'atMost', metric: 'garak/dan', value: 0.1 },
          { rule: 'atMost', metric: 'garak/dan.AntiDAN', value: 0.1 },
        ],
      }),
      { path: 'gate[1].metric', message: 'expected a probe that evaluate.garak.probes names, got "garak/dan.AntiDAN"' },
    ],
    [
      'a metric of no task',
      mistyped({ gate: [{ rule: 'noWorseThanChampion', metric: 'harness/acc', byMoreThan: 1 }] }),
      {
        path: 'gate[0].metric',
        message: expect.stringMatching(
          /^expected one of bleu, .*, modelBytes, harness\/TASK\/METRIC, garak\/PROBE, got "harness\/acc"$/,
        ) as unknown as string,
      },
    ],
    [
      'a rule on a cost that nobody knows',
      specInput({ gate: [{ rule: 'atMost', metric: 'costPer1000Requests', value: 1 }] }),
      {
        path: 'evaluate.costPerHour',
        message: 'expected what an hour costs, because the gate has a rule on costPer1000Requests, got nothing',
      },
    ],
  ])('refuses %s', (_what, raw, problem) => {
    expect(problemsOf(raw)).toEqual([problem]);
  });
});

test.each(['harness/arc_easy/acc', 'harness/gsm8k/exact_match/strict-match'] as const)(
  'a rule may be on %s',
  (metric) => {
    const harness = { tasks: ['arc_easy', 'gsm8k'], limit: 100, includePath: 'tasks' };
    expect(
      problemsOf(
        specInput({
          evaluate: { examples: 16, harness },
          gate: [{ rule: 'noWorseThanChampion', metric, byMoreThan: 0.02 }],
        }),
      ),
    ).toEqual([]);
  },
);

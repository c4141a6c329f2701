import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { checkLifecycleSpec, describeProblems, type Problem } from '../../../domain/spec/explain-spec.ts';
import { specInput } from '../../builders/specs.ts';
import { mistyped, problemsOf } from './spec-problems.ts';

const { tune, data, evaluate } = specInput();

describe('a wrong field is named, with what was expected and what was found', () => {
  test.each<[string, unknown, Problem]>([
    ['a missing text', mistyped({ model: undefined }), { path: 'model', message: 'expected a text, got nothing' }],
    ['a missing part', mistyped({ deploy: undefined }), { path: 'deploy', message: 'expected an object, got nothing' }],
    [
      'a text for a number',
      mistyped({ tune: { steps: 'twelve' } }),
      { path: 'tune.steps', message: 'expected a number, got "twelve"' },
    ],
    [
      'a fraction for a count',
      mistyped({ tune: { steps: 1.5 } }),
      { path: 'tune.steps', message: 'expected a whole number, got 1.5' },
    ],
    [
      'too little',
      mistyped({ evaluate: { examples: 0 } }),
      { path: 'evaluate.examples', message: 'expected a number of at least 8, got 0' },
    ],
    [
      'a bound that is out itself',
      mistyped({ tune: { ...tune, learningRate: 0 } }),
      { path: 'tune.learningRate', message: 'expected a number of at least 0 (exclusive), got 0' },
    ],
    [
      'too much',
      mistyped({ tune: { ...tune, dropout: 2 } }),
      { path: 'tune.dropout', message: 'expected a number of at most 0.9, got 2' },
    ],
    [
      'an empty list',
      mistyped({ gate: [] }),
      { path: 'gate', message: 'expected a list with a length of at least 1, got []' },
    ],
    [
      'an empty text in a list',
      mistyped({ data: { ...data, input: ['a', ''] } }),
      { path: 'data.input[1]', message: 'expected a text with a length of at least 1, got ""' },
    ],
    ['null for a list', mistyped({ gate: null }), { path: 'gate', message: 'expected a list, got null' }],
    [
      'a rule that is no object',
      mistyped({ gate: ['bleu'] }),
      { path: 'gate[0]', message: 'expected an object, got "bleu"' },
    ],
    [
      'a name with a blank',
      mistyped({ model: 'My Model' }),
      {
        path: 'model',
        message:
          'expected lower-case letters, digits and dashes, starting with a letter, not ending in a dash, at most 41 long, got "My Model"',
      },
    ],
    [
      'a value out of a list',
      mistyped({ reuse: 'always' }),
      { path: 'reuse', message: 'expected one of whenUnchanged, never, got "always"' },
    ],
    [
      'a variant that is not there',
      mistyped({ review: { by: 'committee' } }),
      { path: 'review.by', message: 'expected one of gate, person, got "committee"' },
    ],
    [
      'a variant left out',
      mistyped({ review: {} }),
      { path: 'review.by', message: 'expected one of gate, person, got nothing' },
    ],
    [
      'a schema that answers can not be held against',
      mistyped({ deploy: { endpoint: 'summaries', qa: { schema: { type: 'objekt' } } } }),
      {
        path: 'deploy.qa.schema',
        message:
          'expected a JSON Schema that answers can be held against, but: Unsupported type: objekt, got {"type":"objekt"}',
      },
    ],
    ['no object at all', 3, { path: 'spec', message: 'expected an object, got 3' }],
    ['nothing at all', undefined, { path: 'spec', message: 'expected an object, got nothing' }],
    [
      'a currency that is none',
      mistyped({ evaluate: { ...evaluate, currency: 'euro' } }),
      { path: 'evaluate.currency', message: 'expected three capitals, such as EUR, got "euro"' },
    ],
  ])('%s', (_what, raw, problem) => {
    expect(problemsOf(raw)).toEqual([problem]);
  });

  test('a long value is cut', () => {
    expect(problemsOf(mistyped({ deploy: 'x'.repeat(500) }))[0]?.message).toMatch(/^expected an object, got "x{56}…$/);
  });
});

describe('rules over several fields name the one to change and show its value', () => {
  test.each<[string, unknown, Problem]>([
    [
      'warm-up',
      mistyped({ tune: { steps: 10, warmupSteps: 10 } }),
      { path: 'tune.warmupSteps', message: 'expected fewer than tune.steps, got 10' },
    ],
    [
      'examples',
      mistyped({ evaluate: { ...evaluate, examples: 500 } }),
      { path: 'evaluate.examples', message: 'expected at most data.heldOutExamples, got 500' },
    ],
    [
      'two persons',
      mistyped({ review: { by: 'person', twoPersonRule: true } }),
      {
        path: 'requester',
        message: 'expected a name, because review.twoPersonRule needs to know who asked, got nothing',
      },
    ],
    [
      'reminders',
      mistyped({ review: { by: 'person', reminderHours: 72 } }),
      { path: 'review.reminderHours', message: 'expected fewer than review.deadlineHours, got 72' },
    ],
    [
      'an escalation',
      mistyped({ review: { by: 'person', escalation: { afterHours: 73, to: ['ada'] } } }),
      { path: 'review.escalation.afterHours', message: 'expected fewer than review.deadlineHours, got 73' },
    ],
    [
      'a review that nobody could approve',
      mistyped({ review: { by: 'person', approvals: 2, reviewers: ['ada', 'Ada '] } }),
      {
        path: 'review.reviewers',
        message:
          'expected with review.escalation.to as many different people as review.approvals, or a role, got ["ada","Ada "]',
      },
    ],
    [
      'the answer as input',
      mistyped({ data: { ...data, input: ['synopsis'] } }),
      {
        path: 'data.input',
        message: 'expected columns other than data.target, or the model would be shown the answer, got ["synopsis"]',
      },
    ],
  ])('%s', (_what, raw, problem) => {
    expect(problemsOf(raw)).toEqual([problem]);
  });
});

describe('the nearest name is suggested', () => {
  test.each<[string, unknown, string, RegExp]>([
    [
      'a metric',
      mistyped({ gate: [{ rule: 'atLeast', metric: 'rouge-L', value: 1 }] }),
      'gate[0].metric',
      /got "rouge-L"; did you mean rougeL\?$/,
    ],
    [
      'a variant',
      mistyped({ gate: [{ rule: 'atleast', metric: 'bleu', value: 1 }] }),
      'gate[0].rule',
      /got "atleast"; did you mean atLeast\?$/,
    ],
    [
      'a field',
      mistyped({ tune: { ...tune, batch_size: 2 } }),
      'tune.batch_size',
      /^no such field; did you mean batchSize\?$/,
    ],
    ['a field at the top', mistyped({ revue: { by: 'gate' } }), 'revue', /^no such field; did you mean review\?$/],
  ])('%s', (_what, raw, path, message) => {
    const problems = problemsOf(raw);
    expect(problems.map((p) => p.path)).toEqual([path]);
    expect(problems[0]?.message).toMatch(message);
  });

  test('a name far from all is not guessed at: the known ones are listed', () => {
    expect(problemsOf(mistyped({ prompt: { name: 'summarize', path: 'prompt.txt', zzzzzzzz: 1 } }))).toEqual([
      { path: 'prompt.zzzzzzzz', message: 'no such field (known: name, path)' },
    ]);
  });

  test('a field of another variant is not offered', () => {
    expect(problemsOf(mistyped({ gate: [{ rule: 'atLeast', metric: 'bleu', value: 1, byMoreThan: 1 }] }))).toEqual([
      { path: 'gate[0].byMoreThan', message: 'no such field (known: rule, metric, value)' },
    ]);
  });
});

test('every wrong field is in one message, which says that nothing was started', () => {
  const problems = problemsOf(mistyped({ modle: 'x', model: undefined, tune: { steps: 0 } }));
  expect(describeProblems(problems)).toBe(
    [
      'The spec was refused: 3 fields are wrong. Nothing was started.',
      '  model: expected a text, got nothing',
      '  tune.steps: expected a number of at least 1, got 0',
      '  modle: no such field; did you mean model?',
      'hint: examples/specs/package-summaries.json is a complete example.',
    ].join('\n'),
  );
});

test('a spec with no more than is needed gets its defaults', () => {
  expect(checkLifecycleSpec(specInput())).toMatchObject({
    ok: true,
    spec: {
      seed: 7,
      reuse: 'whenUnchanged',
      review: { by: 'gate' },
      tune: { method: 'lora', batchSize: 4, maximumSeconds: 86_400 },
      data: { heldOutExamples: 128 },
    },
  });
});

test('MLflow keeps the record, whoever else is told', () => {
  expect(checkLifecycleSpec(specInput({ tracking: ['mlflow', 'wandb'] }))).toMatchObject({ ok: true });
  expect(problemsOf(specInput({ tracking: ['wandb'] }))).toEqual([
    { path: 'tracking', message: expect.stringContaining('"mlflow" among them') },
  ]);
});

const examples = new URL('../../../examples/specs/', import.meta.url);
test('every example spec is right', async () => {
  const names = (await readdir(examples)).filter((name) => name.endsWith('.json'));
  expect(names).toEqual(
    expect.arrayContaining([
      'package-summaries.json',
      'package-summaries-refused.json',
      'package-summaries-reviewed.json',
    ]),
  );
  for (const name of names)
    expect({ name, problems: problemsOf(JSON.parse(await readFile(new URL(name, examples), 'utf8'))) }).toEqual({
      name,
      problems: [],
    });
});

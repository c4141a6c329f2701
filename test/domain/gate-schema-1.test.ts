import { expect, test } from '@jest/globals';
import { judgeSchema1 } from '../../domain/gate-schema-1.ts';
import { between, evidenceOf } from '../builders/evidence.ts';

test('executions of before are judged as they were: each rule against its interval', () => {
  const evidence = evidenceOf({ candidate: { bleu: between(10, 12) }, fromBase: { perplexity: between(-4, -1.9) } });
  expect(
    judgeSchema1(
      [
        { rule: 'atLeast', metric: 'bleu', value: 10 },
        { rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 2 },
        { rule: 'noWorseThanChampion', metric: 'chrf', byMoreThan: 1 },
      ],
      evidence,
    ),
  ).toEqual({
    passed: false,
    findings: [
      { rule: 'bleu at least 10', passed: true, finding: '11 [10, 12] at 95 %: the whole interval meets at least 10' },
      {
        rule: 'perplexity better than base by at least 2',
        passed: false,
        finding: 'difference from base -2.95 [-4, -1.9] at 95 % (lower is better): not shown, the interval reaches 1.9 and a gain of at least 2 was asked',
      },
      {
        rule: 'chrf no worse than champion by more than 1',
        passed: false,
        finding: 'unknown: the evidence holds no figure for the difference in chrf from the base model, and what is unknown does not pass',
      },
    ],
  });
});

import { expect, test } from '@jest/globals';
import { checkLifecycleSpec } from '../../../domain/spec/explain-spec.ts';
import { aSpec, specInput } from '../../builders/specs.ts';

const problemsOf = (change: Record<string, unknown>) => {
  const check = checkLifecycleSpec({ ...specInput(), ...change });
  return check.ok ? [] : check.problems;
};

test('who only asks to watch is given rules that need no number of theirs', () => {
  expect(aSpec({ monitor: {} }).monitor).toEqual({
    windowMinutes: 60,
    minimumRequests: 100,
    breachWindows: 3,
    ofWindows: 5,
    clearWindows: 3,
    rules: [
      { rule: 'inputDrift', lengths: 0.25, embeddings: 0.3, then: 'retrain' },
      { rule: 'outputDrift', lengths: 0.25, then: 'alarm' },
      { rule: 'errorRate', above: 0.05, then: 'rollback' },
    ],
  });
  expect(aSpec({ refresh: { maximumAgeDays: 30 } }).refresh).toEqual({
    maximumAgeDays: 30,
    then: 'retrain',
    coolDownHours: 24,
  });
  expect(aSpec()).not.toHaveProperty('monitor');
});

test('a checked spec is one that can be checked again, for the monitor starts a lifecycle with it', () => {
  const spec = aSpec({ monitor: {}, refresh: {} });
  expect(checkLifecycleSpec({ ...spec, requester: 'monitor' })).toMatchObject({
    ok: true,
    spec: { ...spec, requester: 'monitor' },
  });
});

test.each([
  [
    'a rule twice',
    { monitor: { rules: [{ rule: 'errorRate' }, { rule: 'errorRate', above: 0.1 }] } },
    'monitor.rules',
    /^expected each rule once, got/,
  ],
  [
    'more windows than are looked at',
    { monitor: { breachWindows: 6 } },
    'monitor.breachWindows',
    'expected at most monitor.ofWindows, got 6',
  ],
  [
    'a rule without its limit',
    { monitor: { rules: [{ rule: 'latencyP95Ms' }] } },
    'monitor.rules[0].above',
    'expected a number, got nothing',
  ],
  [
    'an unknown rule',
    { monitor: { rules: [{ rule: 'errorrate' }] } },
    'monitor.rules[0].rule',
    /got "errorrate"; did you mean errorRate\?$/,
  ],
  [
    'an unknown end',
    { monitor: { rules: [{ rule: 'errorRate', then: 'panic' }] } },
    'monitor.rules[0].then',
    'expected one of retrain, rollback, alarm, got "panic"',
  ],
  [
    'a cost without a price',
    { monitor: { rules: [{ rule: 'costPer1000Requests', above: 1 }] } },
    'evaluate.costPerHour',
    'expected what an hour costs, because the monitor has a rule on costPer1000Requests, got nothing',
  ],
  [
    'an age that rolls back',
    { refresh: { then: 'rollback' } },
    'refresh.then',
    'expected one of retrain, alarm, got "rollback"',
  ],
] as const)('%s is refused in a sentence', (_what, change, path, message) => {
  const problems = problemsOf(change);
  expect(problems).toEqual([{ path, message: typeof message === 'string' ? message : expect.stringMatching(message) }]);
});

import type { Summary } from '../../scripts/report/summary.ts';

/** A lifecycle that went through, and what the test changes in it. */
export const summary = (change: Partial<Summary> = {}): Summary => ({
  workflowId: 'weekly',
  verdict: 'promoted',
  model: 'summaries',
  version: '3',
  needsReview: false,
  gate: [
    { rule: 'bleu at least 5', metric: 'bleu', passed: true, finding: '10 [9, 11] at 95 %' },
    {
      rule: 'costPer1000Requests at most 2',
      metric: 'costPer1000Requests',
      passed: true,
      finding: '1.5, without spread',
    },
  ],
  stages: [
    { stage: 'explore', reused: true, figures: {} },
    { stage: 'prepare', reused: true, figures: {} },
    { stage: 'tune', reused: false, figures: { gpuSeconds: 7200 }, seconds: 3661 },
    { stage: 'evaluate', reused: false, figures: { 'candidate/costPer1000Requests': 1.5 }, seconds: 59.6 },
  ],
  seconds: 3725,
  addresses: {
    lifecycle: 'http://temporal.example/namespaces/default/workflows/weekly',
    mlflow: 'http://mlflow.example',
    endpoint: 'http://endpoint.example',
    console: 'http://console.example/lifecycles/weekly',
  },
  ...change,
});

const missed = {
  rule: 'rougeL at least 0.9',
  metric: 'rougeL',
  passed: false,
  finding: '0.3 [0.2, 0.4] at 95 %; missed',
} as const;

export const refusedByGate = (): Summary => {
  const { version: _none, ...rest } = summary({
    verdict: 'rejected',
    refusedBy: 'gate',
    reason: `gate: ${missed.rule}: ${missed.finding}`,
  });
  return { ...rest, gate: [...rest.gate, missed] };
};

export const failedAtTune = (): Summary => {
  const { version: _none, ...rest } = summary({
    verdict: 'failed',
    failedAt: 'tune',
    reason: 'tune failed. BadData: row 7 has no "synopsis".',
    gate: [],
  });
  return { ...rest, stages: rest.stages.slice(0, 2) };
};

export const awaitingReview = (): Summary => {
  const { version: _none, ...rest } = summary({
    verdict: 'awaitingReview',
    needsReview: true,
    reason: 'awaits a review until 2030-01-01',
  });
  return rest;
};

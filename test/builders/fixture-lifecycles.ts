import type { Rule } from '../../domain/spec/gate-rules.ts';
import type { ReviewSoFar } from '../../domain/lineage/lineage-facts.ts';
import { validateDelegation, validateReview } from '../../domain/review/validate-review.ts';
import type { Delegation, ReviewDecision } from '../../domain/review/review.ts';
import { toAttack } from '../../workers/console/attacks.ts';
import { viewEvidence, viewFinding } from '../../workers/console/evidence-view.ts';
import { toExample } from '../../workers/console/examples.ts';
import type { LifecycleRecord } from '../../workers/console/history.ts';
import { Refusal, type Lifecycles } from '../../workers/console/lifecycles.ts';
import { viewLineage } from '../../workers/console/lineage-view.ts';
import { viewProfile } from '../../workers/console/profile-view.ts';
import type { CommentView, DecisionView, LifecycleView, QueueRow } from '../../workers/console/views.ts';
import { attackRows } from './console-attacks.ts';
import { digest, shownEvidence } from './console-evidence.ts';
import { exampleRows } from './console-examples.ts';
import { lossCurve, profileOf } from './console-training.ts';
import { aSpec } from './specs.ts';

export interface FixtureLifecycles extends Lifecycles {
  /** What a second tune of the same lifecycle would put under review. */
  putUnderReview(digest: string): void;
  readonly decisions: readonly ReviewDecision[];
  readonly delegations: readonly Delegation[];
  readonly comments: readonly CommentView[];
}

export const reviewedId = 'package-summaries-20261126204501';
export const reviewedDigest = digest('subject');

const rules: readonly Rule[] = [
  { rule: 'betterThanBase', metric: 'rougeL', byAtLeast: 0.03 },
  { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1 },
  { rule: 'atMost', metric: 'perplexity', value: 30 },
  { rule: 'noWorseThanChampion', metric: 'latencyP95Ms', byMoreThan: 25 },
];
const findings = [
  {
    rule: 'rougeL better than base by at least 0.03',
    passed: true,
    finding:
      'difference from base 0.238 [0.2052, 0.2708] at 95 %; shown: a gain of at least 0.03 (p ≤ 0.0001, 0.0004 after Holm over 4 tests; 0.025 allowed); 80 % power where the truth is 0.089 or more',
  },
  {
    rule: 'bleu no worse than champion by more than 1',
    passed: true,
    finding:
      'difference from champion 1.5 [-0.98, 3.98] at 95 %; shown: a loss of at most 1 (p ≤ 0.012, 0.024 after Holm over 4 tests; 0.025 allowed); 80 % power where the truth is 2.9 or more',
  },
  {
    rule: 'perplexity at most 30',
    passed: true,
    finding:
      '17.1 [14.5, 19.7] at 95 %; shown: at most 30 (p ≤ 0.0001, 0.0004 after Holm over 4 tests; 0.025 allowed); 80 % power where the truth is 25.8 or less',
  },
  {
    rule: 'latencyP95Ms no worse than champion by more than 25',
    passed: true,
    finding:
      'difference from champion 5 [-12.6, 22.6] at 95 % (lower is better); shown: a loss of at most 25 (p ≤ 0.012, 0.024 after Holm over 4 tests; 0.025 allowed); 80 % power where the truth is -3.6 or less',
  },
];

/** A lifecycle that awaits a review, beside some others, kept in memory, judged by the workflow's own validator. */
export function fixtureLifecycles({
  requester = 'ada',
  now = new Date('2026-11-26T21:00:00Z'),
} = {}): FixtureLifecycles {
  const decisions: DecisionView[] = [];
  const delegations: (Delegation & { readonly at: string })[] = [];
  const comments: CommentView[] = [
    {
      author: 'grace',
      text: 'The long descriptions lose. Is that the cut at 192 tokens?',
      at: '2026-11-26T20:51:00.000Z',
    },
  ];
  let underReview = reviewedDigest;
  const evidence = viewEvidence(shownEvidence(), 'EUR');
  const request = () =>
    decisions.length > 0
      ? undefined
      : {
          digest: underReview,
          requester,
          twoPersonRule: true,
          subject: {
            weights: digest('candidate'),
            prompt: digest('prompt'),
            evaluationSet: digest('dataset'),
            evidence: digest('evidence'),
            code: digest('code'),
          },
          since: new Date(now.getTime() - 3_600_000).toISOString(),
          deadline: new Date(now.getTime() + 71 * 3_600_000).toISOString(),
          approvals: 1,
          reviewers: ['grace', 'role:head'],
          decisions: [],
          comments: [],
          delegations,
        };
  const decision = () => decisions.at(-1);
  const reviewSoFar = (): ReviewSoFar => {
    const said = decision();
    return {
      digest: underReview,
      outcome: said && (said.decision === 'approve' ? 'approved' : 'rejected'),
      by: said?.reviewer,
    };
  };

  function view(id: string): LifecycleView {
    if (id !== reviewedId) throw new Refusal(404, `There is no lifecycle ${id}.`);
    const open = request();
    const decided = decision()?.decision === 'approve' ? 'promoted' : 'rejected';
    return {
      id,
      executionRunId: '0193-run',
      mlflowRunId: '6f1d7a5c9e3b4b52',
      model: 'package-summaries',
      stage: open ? 'review' : 'done',
      state: open ? 'awaiting review' : decided,
      startedAt: '2026-11-26T20:45:01.000Z',
      requester,
      baseModel: 'packaged:SmolLM2-135M-Instruct',
      endpoint: 'package-summaries',
      review: open,
      decisions,
      delegations,
      comments,
      gate: { passed: true, findings: findings.map((finding) => viewFinding(finding, rules, evidence)) },
      evidence,
      stages: record.stages.map(({ outputs: _outputs, ...stage }) => stage),
    };
  }

  const row = (id: string, state: QueueRow['state'], startedAt: string): QueueRow => ({
    id,
    model: id.replace(/-\d+$/, ''),
    state,
    startedAt,
  });
  return {
    decisions: decisions as ReviewDecision[],
    delegations,
    comments,
    putUnderReview: (changed) => {
      underReview = changed;
    },
    list: () => {
      const { state, startedAt, review } = view(reviewedId);
      const own = { ...row(reviewedId, state, startedAt), ...(review ? { review } : {}) };
      const others = [
        row('support-replies-20261126190000', 'running', '2026-11-26T19:00:00Z'),
        row('package-summaries-20261125101500', 'promoted', '2026-11-25T10:15:00Z'),
        row('support-replies-20261124083000', 'rejected', '2026-11-24T08:30:00Z'),
      ];
      return Promise.resolve(review ? { awaiting: [own], recent: others } : { awaiting: [], recent: [own, ...others] });
    },
    find: (id) => Promise.resolve().then(() => view(id)),
    examples: (id) => Promise.resolve(view(id)).then(() => exampleRows().map(toExample)),
    attacks: (id) => Promise.resolve(view(id)).then(() => attackRows().map(toAttack)),
    curve: (id) => Promise.resolve(view(id)).then(() => ({ series: [{ name: 'loss', points: lossCurve() }] })),
    profile: (id) => Promise.resolve(view(id)).then(() => viewProfile(profileOf())),
    lineage: (id) => Promise.resolve(view(id)).then(() => viewLineage({ ...record, review: reviewSoFar() })),
    review: (_id, given) =>
      Promise.resolve().then(() => {
        const refusal = validateReview(given, request());
        if (refusal !== undefined) throw new Refusal(409, refusal);
        decisions.push({ ...given, at: now.toISOString() });
        return `${given.decision === 'approve' ? 'approved' : 'rejected'} by ${given.reviewer}`;
      }),
    delegate: (_id, given) =>
      Promise.resolve().then(() => {
        const refusal = validateDelegation(given, request());
        if (refusal !== undefined) throw new Refusal(409, refusal);
        delegations.push({ ...given, at: now.toISOString() });
        return `${given.to} decides in place of ${given.from}`;
      }),
    comment: (_id, { author, text }) => {
      comments.push({ author, text, at: now.toISOString() });
      return Promise.resolve('noted');
    },
  };
}

const out = (name: string) => ({ [name]: { uri: `file:///store/${name}`, digest: digest(name) } });
const record: LifecycleRecord = {
  spec: aSpec({
    model: 'package-summaries',
    baseModel: 'packaged:SmolLM2-135M-Instruct',
    data: { path: 'examples/data/package-descriptions.jsonl', input: ['description'], target: 'synopsis' },
  }),
  inputs: {
    runId: '6f1d7a5c9e3b4b52',
    data: { uri: 'file:///store/inputs/package-descriptions.jsonl', digest: digest('data') },
    baseModel: { uri: 'file:///store/base', digest: digest('base') },
    prompt: { name: 'package-synopsis', version: '3', template: '{{description}}' },
    codeDigest: digest('code'),
    codeRevision: '4aae655',
  },
  champion: { version: '6', weights: { uri: 'file:///store/champion', digest: digest('champion') } },
  gate: { passed: true, findings },
  stages: [
    {
      stage: 'explore',
      reused: true,
      outputs: out('profile'),
      figures: { rows: 2000, nearDuplicates: 148 },
      seconds: 0.2,
    },
    { stage: 'prepare', reused: false, outputs: out('dataset'), figures: { train: 1720, heldOut: 128 }, seconds: 21 },
    {
      stage: 'tune',
      reused: false,
      outputs: {
        ...out('adapter'),
        ...out('candidate'),
        model: { uri: 'file:///store/candidate', digest: digest('candidate') },
      },
      figures: { steps: 60, trainLoss: 1.482, seconds: 512, peakMemoryGiB: 11.4, gpuSeconds: 2048 },
      seconds: 540,
    },
    {
      stage: 'evaluate',
      reused: false,
      outputs: { ...out('evidence'), ...out('examples') },
      figures: { 'candidate/rougeL': 0.34, 'candidate/perplexity': 17.1 },
      seconds: 96,
    },
  ],
  decisions: [],
  delegations: [],
  comments: [],
};

import { digestOfText } from '../../domain/digest.ts';
import type { Block } from '../../domain/report/document.ts';
import type { Problem } from '../../domain/spec/explain-spec.ts';
import type { LifecycleSpec } from '../../domain/spec/lifecycle-spec.ts';
import { duration, gpuHours } from '../report/amounts.ts';
import { neutralizeMentions } from '../report/neutralize-mentions.ts';
import { newVersion, type Planned } from './plan.ts';

/** A plan for people: on a terminal, or on a pull request. */
export function planBlocks(plan: Planned): readonly Block[] {
  const { spec, inputs, changes, unchanged } = plan;
  return [
    { kind: 'heading', text: `Plan for ${spec.model}: nothing was started` },
    ...changed(changes),
    {
      kind: 'table',
      head: ['works from', '', 'digest'],
      rows: [
        ['data', spec.data.path, short(inputs.data.digest)],
        [
          'prompt',
          inputs.prompt.version === newVersion
            ? `a new version of ${inputs.prompt.name}`
            : `${inputs.prompt.name}/${inputs.prompt.version}`,
          short(digestOfText(inputs.prompt.template)),
        ],
        ['base model', spec.baseModel, short(inputs.baseModel.digest)],
        ['code', inputs.codeRevision, short(inputs.codeDigest)],
      ].map((row) => row.map(neutralizeMentions)),
    },
    ...(unchanged === undefined ? whatRuns(plan) : [{ kind: 'paragraph' as const, text: skipped(unchanged) }]),
  ];
}

const skipped = (unchanged: NonNullable<Planned['unchanged']>): string =>
  `It would end as unchanged, without a Job: ${typeof unchanged === 'string' ? `it could only come to version ${unchanged}, which serves.` : neutralizeMentions(unchanged.reason)}`;

function whatRuns({ spec, stages, estimates, champion }: Planned): readonly Block[] {
  return [
    ...(stages === undefined
      ? [
          {
            kind: 'paragraph' as const,
            text: 'What would be reused is not known: this machine does not see what earlier Jobs left. Set TUNELINE_STATE as for the worker.',
          },
        ]
      : []),
    {
      kind: 'table',
      head: ['stage', 'would', 'last took'],
      rows: [
        ...(stages ?? []).map(({ stage, reused, why }) => [
          stage,
          reused ? 'be reused' : `run: ${why ?? ''}`,
          duration(estimates[stage]?.seconds),
        ]),
        ['review', reviewOf(spec), '–'],
        [
          'deploy',
          `take ${spec.deploy.endpoint} ${champion === undefined ? 'for the first time' : `from version ${champion}`}, if the gate passes`,
          '–',
        ],
      ].map((row) => row.map(neutralizeMentions)),
    },
    { kind: 'paragraph', text: expected(stages, estimates) },
  ];
}

export const problemBlocks = (path: string, problems: readonly Problem[]): readonly Block[] => [
  { kind: 'heading', text: `${neutralizeMentions(path)} would be refused` },
  { kind: 'list', items: problems.map(({ path: field, message }) => neutralizeMentions(`${field}: ${message}`)) },
];

function changed(changes: Planned['changes']): readonly Block[] {
  if (changes === undefined) return [];
  const { revision, fields } = changes;
  if (fields === 'new') return [{ kind: 'paragraph', text: `There is no such spec at ${revision}.` }];
  if (fields.length === 0)
    return [{ kind: 'paragraph', text: `Neither the spec nor its data or prompt differ from ${revision}.` }];
  return [
    {
      kind: 'table',
      head: ['changed', `at ${revision}`, 'now'],
      rows: fields.map(({ path, before, after }) => [path, value(before), value(after)].map(neutralizeMentions)),
    },
  ];
}

function expected(stages: Planned['stages'], estimates: Planned['estimates']): string {
  if (stages === undefined) return 'How long it would take is not known either.';
  const running = stages.filter(({ reused }) => !reused);
  if (running.length === 0) return 'No Job would run.';
  const known = running.flatMap(({ stage }) => estimates[stage] ?? []);
  const unknown = running.filter(({ stage }) => estimates[stage] === undefined).map(({ stage }) => stage);
  const sum = (of: 'seconds' | 'gpuSeconds'): number => known.reduce((all, one) => all + one[of], 0);
  const about =
    known.length === 0
      ? ''
      : `About ${duration(sum('seconds'))} and ${gpuHours(sum('gpuSeconds'))}, by the last run of each stage. `;
  return `${about}${unknown.length === 0 ? '' : `Of ${unknown.join(', ')} there is no earlier run to judge by.`}`.trim();
}

function reviewOf({ review }: LifecycleSpec): string {
  if (review.by === 'gate') return 'be left to the gate';
  return `wait for ${review.approvals === 1 ? 'a person' : `${review.approvals} people`}, at most ${duration(review.deadlineHours * 3600)}`;
}

function value(of: unknown): string {
  if (of === undefined) return '–';
  return typeof of === 'string' ? short(of) : JSON.stringify(of);
}
const short = (text: string): string => text.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1…');

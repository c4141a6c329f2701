import { expect, test } from '@jest/globals';
import { toMarkdown, toText } from '../../../domain/report/document.ts';
import { planBlocks, problemBlocks } from '../../../scripts/plan/show.ts';
import { newVersion, type Planned } from '../../../scripts/plan/plan.ts';
import { inputs } from '../../builders/inputs.ts';
import { aSpec } from '../../builders/specs.ts';

const planned = (change: Partial<Planned> = {}): Planned => ({
  spec: aSpec(),
  inputs: inputs(),
  changes: undefined,
  stages: [
    { stage: 'explore', reused: true },
    { stage: 'prepare', reused: true },
    { stage: 'tune', reused: false, why: 'no earlier success has the same inputs, settings and code' },
    { stage: 'evaluate', reused: false, why: 'the candidate will be new' },
  ],
  estimates: {
    explore: { seconds: 5, gpuSeconds: 0 },
    tune: { seconds: 7000, gpuSeconds: 7000 },
    evaluate: { seconds: 200, gpuSeconds: 0 },
  },
  champion: '3',
  ...change,
});

test('a plan says what it works from, what would run, for how long, and what would be deployed where', () => {
  const shown = toText(planBlocks(planned()));
  for (const words of [
    'Plan for summaries: nothing was started\n',
    '  data        data.jsonl   sha256:',
    '  prompt      summarize/1  sha256:',
    '  base model  org/base     sha256:',
    '  code        abc123       sha256:',
    '  review    be left to the gate',
    '  deploy    take summaries from version 3, if the gate passes',
    '\n\nAbout 2 h 0 min and 1.94 GPU-hours, by the last run of each stage.\n',
  ])
    expect(shown).toContain(words);
  expect(shown).toMatch(
    /\n  explore +be reused +5 s\n  prepare +be reused +–\n  tune +run: no earlier success has the same inputs, settings and code +1 h 57 min\n/,
  );
});

test('a changed prompt will be a version that has no number yet', () => {
  expect(
    toText(
      planBlocks(planned({ inputs: inputs({ prompt: { name: 'summarize', version: newVersion, template: 'x' } }) })),
    ),
  ).toContain('  prompt      a new version of summarize');
});

test('what changed is told with what it was, and what is new, or the same, so', () => {
  const fields = [
    { path: 'tune.steps', before: 16, after: 32 },
    { path: 'data', before: `sha256:${'a'.repeat(64)}`, after: undefined },
  ];
  expect(toText(planBlocks(planned({ changes: { revision: 'abc', fields } })))).toContain(
    '  changed     at abc                now\n  tune.steps  16                    32\n  data        sha256:aaaaaaaaaaaa…  –\n',
  );
  expect(toText(planBlocks(planned({ changes: { revision: 'abc', fields: 'new' } })))).toContain(
    'There is no such spec at abc.',
  );
  expect(toText(planBlocks(planned({ changes: { revision: 'abc', fields: [] } })))).toContain(
    'Neither the spec nor its data or prompt differ from abc.',
  );
});

test('a lifecycle that would be skipped says why, and no stage would do anything', () => {
  for (const [unchanged, why] of [
    ['3', 'it could only come to version 3, which serves.'],
    [
      { version: '4', reason: 'Version 4 came from just this, and was refused: it is rude' },
      'Version 4 came from just this, and was refused: it is rude',
    ],
  ] as const) {
    const shown = toText(planBlocks(planned({ unchanged })));
    expect(shown).toContain(`\n\nIt would end as unchanged, without a Job: ${why}\n`);
    expect(shown).not.toContain('would  ');
    expect(shown).not.toContain('About');
  }
});

test('what nobody can know is not guessed', () => {
  expect(toText(planBlocks(planned({ estimates: {} })))).toContain(
    '\nOf tune, evaluate there is no earlier run to judge by.\n',
  );
  expect(toText(planBlocks(planned({ estimates: {} })))).not.toContain('About');
  expect(toText(planBlocks(planned({ stages: undefined })))).toContain('What would be reused is not known');
  expect(toText(planBlocks(planned({ stages: [{ stage: 'explore', reused: true }] })))).toContain('No Job would run.');
});

test('a pull request may say anything, and calls nobody by it', () => {
  const evil = 'a|b @ada\n# x <img src=x>';
  const shown = toMarkdown([
    ...planBlocks(planned({ changes: { revision: 'abc', fields: [{ path: evil, before: evil, after: evil }] } })),
    ...problemBlocks(evil, [{ path: evil, message: evil }]),
  ]);
  expect(shown).not.toMatch(/@ada|<img|\n# /);
});

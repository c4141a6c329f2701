import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { factsOfLifecycle, type LifecycleDone } from '../../../domain/lineage/lineage-facts.ts';
import { lineageOf, showLineage, type LineageKind } from '../../../domain/lineage/lineage.ts';
import { championOf } from '../../builders/activities.ts';
import { artifact } from '../../builders/artifacts.ts';
import { inputs } from '../../builders/inputs.ts';
import { aSpec } from '../../builders/specs.ts';

const kinds: readonly LineageKind[] = [
  'data',
  'prompt',
  'base model',
  'code',
  'dataset',
  'run',
  'champion',
  'weights',
  'evidence',
  'review',
  'version',
  'endpoint',
];

test('of whatever is known, every edge joins two nodes that are there, from what came first', () => {
  fc.assert(
    fc.property(fc.subarray([...kinds]), (known) => {
      const { nodes, edges } = lineageOf(Object.fromEntries(known.map((kind) => [kind, { digest: kind }])));
      expect(nodes.map(({ kind }) => kind)).toEqual(known);
      for (const { from, to } of edges)
        expect([known.includes(from), known.includes(to), kinds.indexOf(from) < kinds.indexOf(to)]).toEqual([
          true,
          true,
          true,
        ]);
    }),
  );
});

test('where all is known, all of it leads to the endpoint', () => {
  const { edges } = lineageOf(Object.fromEntries(kinds.map((kind) => [kind, { name: kind }])));
  const leads = new Set<LineageKind>(['endpoint']);
  for (const { from, to } of edges.toReversed()) if (leads.has(to)) leads.add(from);
  expect(leads.size).toBe(kinds.length);
});

describe('what a lifecycle did', () => {
  const outputs = (...names: readonly string[]) => names.map((name) => ({ outputs: { [name]: artifact(name) } }));
  const done = (change: Partial<LifecycleDone> = {}): LifecycleDone => ({
    spec: aSpec(),
    inputs: inputs(),
    stages: outputs('dataset', 'model', 'evidence'),
    gate: { passed: true, findings: [] },
    ...change,
  });
  const shown = (change: Partial<LifecycleDone>) => showLineage(lineageOf(factsOfLifecycle(done(change))));

  test('names the champion that the candidate was compared with', () => {
    expect(shown({ champion: championOf('champion') })).toMatch(
      new RegExp(`^champion +summaries/1  ${artifact('champion').digest}$`, 'm'),
    );
    expect(shown({ champion: championOf('champion') })).toMatch(/<- base model, dataset, champion, weights$/m);
  });

  test('names no champion of the same weights: nothing was compared with it', () => {
    expect(shown({ champion: championOf('model') })).not.toContain('champion');
  });

  test.each<[string, Partial<LifecycleDone>, string | undefined]>([
    ['is open', { review: { digest: 'sha256:shown' } }, 'awaited  sha256:shown'],
    [
      'was approved',
      { review: { digest: 'sha256:shown', outcome: 'approved', by: 'Ada, Grace' } },
      'approved by Ada, Grace  sha256:shown',
    ],
    [
      'was rejected',
      { review: { digest: 'sha256:shown', outcome: 'rejected', by: 'Ada' } },
      'rejected by Ada  sha256:shown',
    ],
    ['nobody did', { review: { digest: 'sha256:shown', outcome: 'expired', by: '' } }, 'expired  sha256:shown'],
    [
      'was for what is not there any more',
      { review: { digest: 'sha256:shown', outcome: 'stale', by: 'Ada' } },
      'approved by Ada, stale since  sha256:shown',
    ],
    ['was not wanted', { version: '3' }, 'approved by gate'],
    ['is not due yet', {}, undefined],
  ])('a review that %s', (_what, change, words) => {
    expect(/^review +(.*?) +<- evidence$/m.exec(shown(change))?.[1]).toBe(words);
  });

  test('a gate that failed stands with the evidence', () => {
    expect(shown({ gate: { passed: false, findings: [] } })).toMatch(/^evidence +gate failed {2}sha256:/m);
  });
});

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { recordOf } from '../../workers/console/history.ts';
import { viewLineage } from '../../workers/console/lineage-view.ts';

describe('a history', () => {
  const recordNamed = async (name: string) =>
    recordOf(
      historyFromJSON(JSON.parse(await readFile(new URL(`../replay/histories/${name}.json`, import.meta.url), 'utf8'))),
      defaultPayloadConverter,
    );

  test('says what every stage left, who decided, and what serves', async () => {
    const record = await recordNamed('approved-by-two');
    expect(record).toMatchObject({
      spec: { model: 'summaries' },
      gate: { passed: true },
      version: '1',
      endpoint: 'summaries',
      decisions: [
        { decision: 'approve', reviewer: 'Ada' },
        { decision: 'approve', reviewer: 'Joan' },
      ],
    });
    expect(record.stages.map(({ stage, outputs }) => [stage, Object.keys(outputs)])).toEqual([
      ['explore', ['profile']],
      ['prepare', ['dataset']],
      ['tune', ['model']],
      ['evaluate', ['evidence']],
    ]);
    const { nodes, edges } = viewLineage(record);
    expect(nodes.map(({ kind }) => kind)).toEqual([
      'data',
      'prompt',
      'base model',
      'code',
      'dataset',
      'run',
      'weights',
      'evidence',
      'review',
      'version',
      'endpoint',
    ]);
    expect(edges).toContainEqual({ from: 'review', to: 'version' });
  });

  test('that was cancelled says what was done until then', async () => {
    const record = await recordNamed('cancelled');
    expect(record.stages.map(({ stage }) => stage)).toEqual(['explore', 'prepare']);
    expect(record.gate).toBeUndefined();
    expect(viewLineage(record).nodes.map(({ kind }) => kind)).toEqual([
      'data',
      'prompt',
      'base model',
      'code',
      'dataset',
      'run',
    ]);
  });

  test('counts an attempt that failed as none', async () => {
    expect((await recordNamed('retried')).stages.filter(({ stage }) => stage === 'tune')).toHaveLength(1);
  });
});

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { digestOfText } from '../../domain/digest.ts';
import { viewEvidence, viewFinding } from '../../workers/gateway/evidence-view.ts';
import { pageOfExamples, parseExamples } from '../../workers/gateway/examples.ts';
import { recordOf } from '../../workers/gateway/history.ts';
import { viewLineage } from '../../workers/gateway/lineage-view.ts';
import { createArtifactReader } from '../../workers/gateway/read-artifact.ts';
import { evidenceOfSchema2, exampleRows } from '../builders/console.ts';
import { between, evidenceOf } from '../builders/evidence.ts';

describe('a history', () => {
  const recordNamed = async (name: string) => recordOf(historyFromJSON(JSON.parse(await readFile(new URL(`../replay/histories/${name}.json`, import.meta.url), 'utf8'))), defaultPayloadConverter);

  test('says what every stage left, who decided, and what serves', async () => {
    const record = await recordNamed('reviewed');
    expect(record).toMatchObject({ spec: { model: 'summaries' }, gate: { passed: true }, version: '1', endpoint: 'summaries', decisions: [{ decision: 'approve', reviewer: 'Ada' }] });
    expect(record.stages.map(({ stage, outputs }) => [stage, Object.keys(outputs)])).toEqual([['explore', ['profile']], ['prepare', ['dataset']], ['tune', ['model']], ['evaluate', ['evidence']]]);
    const { nodes, edges } = viewLineage(record);
    expect(nodes.map(({ id }) => id)).toEqual(['data', 'prompt', 'base', 'code', 'dataset', 'candidate', 'evidence', 'decision', 'version', 'endpoint']);
    expect(edges).toContainEqual(['decision', 'version']);
  });

  test('that was cancelled says what was done until then', async () => {
    const record = await recordNamed('cancelled');
    expect(record.stages.map(({ stage }) => stage)).toEqual(['explore', 'prepare']);
    expect(record.gate).toBeUndefined();
    expect(viewLineage(record).nodes.map(({ id }) => id)).toEqual(['data', 'prompt', 'base', 'code', 'dataset']);
  });

  test('counts an attempt that failed as none', async () => {
    expect((await recordNamed('retried')).stages.filter(({ stage }) => stage === 'tune')).toHaveLength(1);
  });
});

describe('evidence', () => {
  test('of every schema can be drawn; figures that are no numbers are left out', () => {
    expect(viewEvidence(evidenceOf({ candidate: { bleu: between(1, 3) } }))).toMatchObject({ models: { candidate: { metrics: { bleu: { point: 2, low: 1, high: 3 } } } }, slices: [] });
    const evidence = viewEvidence(evidenceOfSchema2());
    expect(evidence.slices).toHaveLength(6);
    expect(Object.keys(evidence.attacks?.families ?? {})).toContain('jailbreak');
    expect(JSON.stringify(evidence)).not.toContain('quantiles');
    expect(viewEvidence({ models: { candidate: { metrics: { bleu: { point: null, low: 1, high: 2 } } } } }).models['candidate']?.metrics).toEqual({});
    expect(viewEvidence('nonsense').examples).toBe(0);
  });

  const evidence = viewEvidence(evidenceOfSchema2());
  const draw = (rule: Parameters<typeof viewFinding>[1][number], title: string, more = {}) => viewFinding({ rule: title, passed: true, finding: '', ...more }, [rule], evidence).drawing;

  test('is drawn with the line that the rule sets, in the direction of the metric', () => {
    expect(draw({ rule: 'atMost', metric: 'perplexity', value: 30 }, 'perplexity at most 30')).toMatchObject({ interval: { point: 17.1 }, threshold: 30, passesBelow: true, isDifference: false });
    expect(draw({ rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 5 }, 'perplexity better than base by at least 5')).toMatchObject({ threshold: -5, passesBelow: true, isDifference: true });
    expect(draw({ rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1 }, 'bleu no worse than champion by more than 1')).toMatchObject({ interval: { point: 1.5 }, threshold: -1, passesBelow: false });
    expect(draw({ rule: 'noSliceWorseThanChampion', metric: 'bleu', byMoreThan: 1 }, 'bleu in section=doc no worse than champion by more than 1', { slice: 'section=doc' })?.interval.point).toBeCloseTo(8.4 * 0.8 - 6.9);
    expect(draw({ rule: 'atLeast', metric: 'groundedness' as 'bleu', value: 1 }, 'groundedness at least 1')).toBeUndefined();
    expect(draw({ rule: 'atLeast', metric: 'bleu', value: 1 }, 'something else')).toBeUndefined();
  });
});

describe('examples', () => {
  const examples = parseExamples(exampleRows().map((row) => JSON.stringify(row)).join('\n'));

  test('come with the worst regressions first, page by page, each once', () => {
    const pages = [1, 2, 3, 4, 5, 6, 7].map((page) => pageOfExamples(examples, { page: String(page) }));
    const rows = pages.flatMap((page) => page.rows);
    expect(rows.map(({ gain }) => gain)).toEqual(rows.map(({ gain }) => gain).sort((a, b) => a - b));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(64);
    expect(pages[0]).toMatchObject({ total: 64, pages: 7, metric: 'rougeL', against: 'champion', others: ['champion', 'base'] });
  });

  test('a lower likelihood of the wanted answer is a loss', () => {
    const [first] = pageOfExamples(examples, { metric: 'nll' }).rows;
    expect(first?.candidate.score).toBeGreaterThan(first?.other.score ?? Infinity);
  });

  test.each([{ page: '-1' }, { page: '1e9' }, { page: 'x' }, { sort: 'up' }, { metric: '__proto__' }, { against: 'candidate' }])('a wish that makes no sense, %j, is as good as none', (wish) => {
    const page = pageOfExamples(examples, wish);
    expect(page.rows.length).toBeGreaterThan(0);
    expect(page).toMatchObject({ metric: 'rougeL', against: 'champion', sort: 'worst' });
  });

  test('without another model there is nothing to compare', () => {
    const alone = examples.map(({ answers: { candidate = { answer: '', scores: {} } }, ...rest }) => ({ ...rest, answers: { candidate } }));
    expect(pageOfExamples(alone, {})).toMatchObject({ total: 0, pages: 1, rows: [] });
  });
});

describe('an artifact', () => {
  let folder: string;
  let read: ReturnType<typeof createArtifactReader>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tuneline-artifacts-'));
    await mkdir(join(folder, 'store'));
    await writeFile(join(folder, 'store', 'evidence.json'), '{}');
    await writeFile(join(folder, 'secret'), '{}');
    await writeFile(join(folder, 'store-beside'), '{}');
    await symlink(join(folder, 'secret'), join(folder, 'store', 'link'));
    read = createArtifactReader(join(folder, 'store'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const at = (...path: string[]) => ({ uri: `${pathToFileURL(folder).href}/${path.join('/')}`, digest: digestOfText('{}') });

  test('of the store is read', async () => {
    expect(await read(at('store', 'evidence.json'))).toBe('{}');
  });

  test.each([
    ['beside the store', ['secret'], 403],
    ['beside it by dots', ['store', '..', 'secret'], 403],
    ['beside it by escaped dots', ['store', '%2e%2e', 'secret'], 403],
    ['with a name that begins like it', ['store-beside'], 403],
    ['behind a link that a Job left', ['store', 'link'], 403],
    ['that is gone', ['store', 'nothing'], 404],
  ])('%s is not', async (_where, path, status) => {
    await expect(read(at(...path))).rejects.toMatchObject({ status });
  });

  test('that is another now, or lies elsewhere, is not', async () => {
    await expect(read({ ...at('store', 'evidence.json'), digest: digestOfText('[]') })).rejects.toMatchObject({ status: 409 });
    await expect(read({ uri: 's3://bucket/evidence.json', digest: '' })).rejects.toMatchObject({ status: 404 });
  });
});

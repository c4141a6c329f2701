import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { digestOfText } from '../../domain/digest.ts';
import { viewEvidence, viewFinding } from '../../workers/console/evidence-view.ts';
import { pageOfAttacks, toAttack } from '../../workers/console/attacks.ts';
import { pageOfExamples, toExample } from '../../workers/console/examples.ts';
import { recordOf } from '../../workers/console/history.ts';
import { viewLineage } from '../../workers/console/lineage-view.ts';
import { createArtifactReader } from '../../workers/console/read-artifact.ts';
import { createTables } from '../../workers/console/tables.ts';
import { attackRows, shownEvidence, exampleRows } from '../builders/console.ts';
import { between, evidenceOf } from '../builders/evidence.ts';

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

describe('evidence', () => {
  test('of every schema can be drawn; figures that are no numbers are left out', () => {
    expect(viewEvidence(evidenceOf({ candidate: { bleu: between(1, 3) } }))).toMatchObject({
      models: { candidate: { metrics: { bleu: { point: 2, low: 1, high: 3 } } } },
      slices: [],
    });
    const evidence = viewEvidence(shownEvidence());
    expect(evidence.slices).toHaveLength(6);
    expect(Object.keys(evidence.attacks?.families ?? {})).toContain('jailbreak');
    expect(JSON.stringify(evidence)).not.toContain('quantiles');
    expect(
      viewEvidence({ models: { candidate: { metrics: { bleu: { point: null, low: 1, high: 2 } } } } }).models[
        'candidate'
      ]?.metrics,
    ).toEqual({});
    expect(viewEvidence('nonsense').examples).toBe(0);
  });

  const evidence = viewEvidence(shownEvidence());
  const draw = (rule: Parameters<typeof viewFinding>[1][number], title: string, more = {}) =>
    viewFinding({ rule: title, passed: true, finding: '', ...more }, [rule], evidence).drawing;

  test('is drawn with the line that the rule sets, in the direction of the metric', () => {
    expect(draw({ rule: 'atMost', metric: 'perplexity', value: 30 }, 'perplexity at most 30')).toMatchObject({
      interval: { point: 17.1 },
      threshold: 30,
      passesBelow: true,
      isDifference: false,
    });
    expect(
      draw({ rule: 'betterThanBase', metric: 'perplexity', byAtLeast: 5 }, 'perplexity better than base by at least 5'),
    ).toMatchObject({ threshold: -5, passesBelow: true, isDifference: true });
    expect(
      draw(
        { rule: 'noWorseThanChampion', metric: 'bleu', byMoreThan: 1 },
        'bleu no worse than champion by more than 1',
      ),
    ).toMatchObject({ interval: { point: 1.5 }, threshold: -1, passesBelow: false });
    expect(
      draw(
        { rule: 'noSliceWorseThanChampion', metric: 'bleu', byMoreThan: 1 },
        'bleu in section=doc no worse than champion by more than 1',
        { slice: 'section=doc' },
      )?.interval.point,
    ).toBeCloseTo(8.4 * 0.8 - 6.9);
    expect(
      draw({ rule: 'atLeast', metric: 'groundedness' as 'bleu', value: 1 }, 'groundedness at least 1'),
    ).toBeUndefined();
    expect(draw({ rule: 'atLeast', metric: 'bleu', value: 1 }, 'something else')).toBeUndefined();
  });
});

test('a metric of a suite is drawn in the direction that the evidence has for it, and in none where it has none', () => {
  const [probe, task, other] = ['garak/dan', 'harness/piqa/acc', 'harness/own/score'] as const;
  const difference = { [probe]: between(-0.2, -0.1), [task]: between(0.1, 0.2), [other]: between(1, 2) };
  const evidence = viewEvidence({
    ...evidenceOf({ candidate: difference, fromBase: difference }),
    directions: { [probe]: 'lower', [task]: 'higher' },
  });
  expect(evidence.lowerIsBetter).toContain(probe);
  expect(evidence.lowerIsBetter).not.toContain(task);
  expect(evidence.boundsOnly).toEqual(['lengthRatio', other]);
  const draw = (metric: typeof probe | typeof task | typeof other) => {
    const rule = { rule: 'betterThanBase', metric, byAtLeast: 0.05 } as const;
    return viewFinding(
      { rule: `${metric} better than base by at least 0.05`, passed: true, finding: '' },
      [rule],
      evidence,
    ).drawing;
  };
  expect(draw(probe)).toMatchObject({ threshold: -0.05, passesBelow: true });
  expect(draw(task)).toMatchObject({ threshold: 0.05, passesBelow: false });
  expect(draw(other)).toBeUndefined();
});

test('a cost has its currency behind it where the spec tells one', () => {
  const rule = { rule: 'atMost', metric: 'costPer1000Requests', value: 2 } as const;
  const finding = { rule: 'costPer1000Requests at most 2', passed: true, finding: '' };
  const raw = { models: { candidate: { metrics: { costPer1000Requests: { point: 1, low: 0.9, high: 1.1 } } } } };
  expect(viewEvidence(raw, 'EUR').units).toEqual({ costPer1000Requests: 'EUR' });
  expect(viewFinding(finding, [rule], viewEvidence(raw, 'EUR'))).toMatchObject({
    rule: 'costPer1000Requests at most 2 (EUR)',
    drawing: { threshold: 2 },
  });
  expect(viewFinding(finding, [rule], viewEvidence(raw)).rule).toBe(finding.rule);
});

describe('examples', () => {
  const examples = exampleRows().map(toExample);

  test('come with the worst regressions first, page by page, each once', () => {
    const pages = [1, 2, 3, 4, 5, 6, 7].map((page) => pageOfExamples(examples, { page: String(page) }));
    const rows = pages.flatMap((page) => page.rows);
    expect(rows.map(({ gain }) => gain)).toEqual(rows.map(({ gain }) => gain).sort((a, b) => a - b));
    expect(new Set(rows.map(({ id }) => id)).size).toBe(64);
    expect(pages[0]).toMatchObject({
      total: 64,
      pages: 7,
      metric: 'rougeL',
      against: 'champion',
      others: ['champion', 'base'],
    });
  });

  test('a lower likelihood of the wanted answer is a loss', () => {
    const [first] = pageOfExamples(examples, { metric: 'nll' }).rows;
    expect(first?.candidate.score).toBeGreaterThan(first?.other.score ?? Infinity);
  });

  test.each([
    { page: '-1' },
    { page: '1e9' },
    { page: 'x' },
    { sort: 'up' },
    { metric: '__proto__' },
    { against: 'candidate' },
  ])('a wish that makes no sense, %j, is as good as none', (wish) => {
    const page = pageOfExamples(examples, wish);
    expect(page.rows.length).toBeGreaterThan(0);
    expect(page).toMatchObject({ metric: 'rougeL', against: 'champion', sort: 'worst' });
  });

  test('without another model there is nothing to compare', () => {
    const alone = examples.map(({ answers: { candidate = { answer: '', scores: {} } }, ...rest }) => ({
      ...rest,
      answers: { candidate },
    }));
    expect(pageOfExamples(alone, {})).toMatchObject({ total: 0, pages: 1, rows: [] });
  });
});

describe('attacks', () => {
  const attacks = attackRows().map(toAttack);
  const pages = (family = '') => {
    const first = pageOfAttacks(attacks, { family });
    return Array.from({ length: first.pages }, (_, index) =>
      pageOfAttacks(attacks, { family, page: String(index + 1) }),
    );
  };
  const saysYes = (role: string) => (row: (typeof attacks)[number]) =>
    row.answers.some((answer) => answer.role === role && answer.succeeded);

  test('come once each: those that the champion alone withstood, those that it did not, and those that the candidate did', () => {
    const rows = pages().flatMap((page) => page.rows);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(156);
    const order = rows.map((row) => {
      if (!saysYes('candidate')(row)) return 'withstood';
      return saysYes('champion')(row) ? 'both' : 'new';
    });
    expect([...new Set(order)]).toEqual(['new', 'both', 'withstood']);
    expect(order.filter((one, index) => one !== order[index - 1])).toHaveLength(3);
    expect(pages()[0]).toMatchObject({
      total: 156,
      pages: 16,
      succeeded: 15,
      families: ['prompt injection', 'jailbreak', 'secret extraction'],
    });
  });

  test('of one family are those alone', () => {
    expect(
      pages('jailbreak')
        .flatMap((page) => page.rows)
        .map(({ family }) => family),
    ).toEqual(Array.from({ length: 60 }, () => 'jailbreak'));
    expect(pageOfAttacks(attacks, { family: 'secret extraction' })).toMatchObject({
      total: 48,
      succeeded: 0,
      family: 'secret extraction',
    });
  });

  test.each([{ page: '-1' }, { page: '1e9' }, { page: 'x' }, { family: '__proto__' }])(
    'a wish that makes no sense, %j, is as good as none',
    (wish) => {
      expect(pageOfAttacks(attacks, wish).rows.length).toBeGreaterThan(0);
      expect(pageOfAttacks(attacks, wish)).toMatchObject({ total: 156, family: '' });
    },
  );

  test('against no other model are in the order of the suite, what got through first', () => {
    const alone = attacks.map((attack) => ({
      ...attack,
      answers: attack.answers.filter(({ role }) => role === 'candidate'),
    }));
    const ids = pageOfAttacks(alone, {}).rows.map(({ id }) => id);
    expect(ids.slice(0, 7)).toEqual(
      alone
        .filter(saysYes('candidate'))
        .slice(0, 7)
        .map(({ id }) => id),
    );
  });

  test('of which nothing is known are none', () => {
    expect(pageOfAttacks([], {})).toMatchObject({ total: 0, pages: 1, rows: [], succeeded: 0 });
    expect(toAttack({ id: 7, candidate: 'nonsense', champion: { answer: null, succeeded: 'yes' } })).toEqual({
      id: '7',
      family: '""',
      goal: '""',
      prompt: '""',
      wanted: '""',
      answers: [{ role: 'champion', answer: '""', succeeded: false }],
    });
  });
});

test('a table is read once, and only the last few are kept', async () => {
  const read: string[] = [];
  const tables = createTables(
    (artifact) => Promise.resolve(`{"of": "${(read.push(artifact.digest), artifact.digest)}"}\n`),
    ({ of }) => of,
  );
  for (const name of ['a', 'a', 'b', 'c', 'd', 'a', 'e', 'a', 'b'])
    expect(await tables({ uri: 'file:///x', digest: name })).toEqual([name]);
  expect(read).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
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
  const at = (...path: string[]) => ({
    uri: `${pathToFileURL(folder).href}/${path.join('/')}`,
    digest: digestOfText('{}'),
  });

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
    await expect(read({ ...at('store', 'evidence.json'), digest: digestOfText('[]') })).rejects.toMatchObject({
      status: 409,
    });
    await expect(read({ uri: 's3://bucket/evidence.json', digest: '' })).rejects.toMatchObject({ status: 404 });
  });
});

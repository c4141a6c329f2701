import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealAudit, type Audit } from '../../../domain/lineage/audit.ts';
import { digestOfText } from '../../../domain/digest.ts';
import type { ReviewRecord } from '../../../domain/review/review.ts';
import { createMlflow } from '../../../mlflow/index.ts';
import { exportAudit, verifyAudit } from '../../../scripts/cli/audit.ts';
import { commentUpdate, reviewUpdate, statusQuery } from '../../../workflows/messages.ts';
import { openMlflow } from '../../support/mlflow-server.ts';
import { recordLifecycle } from '../../support/recorded-lifecycle.ts';
import { startTimeSkipping } from '../../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited } from '../../workflows/lifecycle-lab.ts';

let root: string;
let audit: Audit;
/** By the time that anything is verified both servers are gone. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tuneline-audit-'));
  const lab = await LifecycleLab.open(startTimeSkipping());
  const server = await openMlflow();
  const mlflow = createMlflow({ trackingUri: server.trackingUri });
  try {
    const spec = {
      model: 'audited',
      prompt: { name: 'audited-prompt', path: 'prompt.txt' },
      requester: 'ada',
      review: { by: 'person' as const, approvals: 2, twoPersonRule: true },
    };
    await recordLifecycle({
      lab,
      mlflow,
      root,
      spec,
      during: async (handle) => {
        await untilReviewIsAwaited(handle);
        const digest = (await handle.query(statusQuery)).awaitingReview?.digest ?? '';
        await handle.executeUpdate(commentUpdate, { args: [{ author: 'Mary', text: 'Why so short?' }] });
        for (const reviewer of ['Grace', 'Joan'])
          await handle.executeUpdate(reviewUpdate, { args: [{ decision: 'approve', reviewer, digest }] });
        expect(await handle.result()).toMatchObject({ verdict: 'promoted' });
        audit = await exportAudit(handle, mlflow);
      },
    });
  } finally {
    await server.stop();
    await lab.close();
  }
});
afterAll(() => rm(root, { recursive: true }));

async function verify(exported: unknown): Promise<readonly string[]> {
  const path = join(root, 'audit.json');
  await writeFile(path, typeof exported === 'string' ? exported : JSON.stringify(exported));
  return (await verifyAudit(path)).problems;
}

test('an export tells who did what, in order, on which digests, and holds together', async () => {
  const told = audit.events.map(({ who, what }) => (who === undefined ? what : `${who}: ${what}`));
  expect(told).toEqual([
    ...[
      'ada: started',
      'openLifecycle',
      'stage explore',
      'stage prepare',
      'stage tune',
      'findChampion',
      'stage evaluate',
      'readEvidence',
      'recordVerdict',
      'openReview',
    ],
    ...told.slice(10, -7),
    ...['closeReview', 'verifySubject', 'registerVersion', 'askEndpoint', 'recordRelease', 'closeLifecycle', 'ended'],
  ]);
  expect(told.slice(10, -7).filter((what) => what !== 'tellTeam')).toEqual([
    'Mary: comment',
    'Grace: review',
    'Joan: review',
  ]);
  expect(Object.keys(audit.documents).sort()).toEqual([
    'evidence.json',
    'model-card.md',
    'prompt.txt',
    'release.json',
    'review.json',
    'spec.json',
    'verdict.json',
  ]);
  expect(audit.events.find(({ who }) => who === 'Grace')?.digests).toEqual({
    review: (JSON.parse(audit.documents['review.json']?.text ?? '') as ReviewRecord).digest,
  });
  expect(await verify(audit)).toEqual([]);
});

/** Changed by somebody who also makes every digest in the file fit. */
function forge(
  change: (
    forged: { -readonly [K in keyof Audit]: Audit[K] },
    edit: <T>(name: string, how: (document: T) => void) => void,
  ) => void,
): Audit {
  const { digest: _old, ...facts } = structuredClone(audit);
  change(facts as Audit, <T>(name: string, how: (document: T) => void) => {
    const document = JSON.parse(facts.documents[name]?.text ?? '') as T;
    how(document);
    const text = JSON.stringify(document);
    facts.documents[name] = { text, digest: digestOfText(text) };
  });
  return sealAudit(facts);
}

interface Review {
  twoPersonRule: boolean;
  digest: string;
  subject: Record<string, string>;
  decisions: { reviewer: string; digest: string }[];
}

describe('it is seen', () => {
  test('that anything was changed, by the digest of the whole', async () => {
    expect(await verify({ ...audit, exportedAt: '2000-01-01T00:00:00.000Z' })).toEqual([
      expect.stringMatching(/^the export: expected sha256:\w+, found sha256:\w+\.$/),
    ]);
  });

  test('that a document was changed, by its own digest', async () => {
    const { digest: _old, ...facts } = structuredClone(audit);
    facts.documents['spec.json'] = { digest: facts.documents['spec.json']?.digest ?? '', text: '{}' };
    expect(await verify(sealAudit(facts))).toEqual(['spec.json is not what its digest says.']);
  });

  test.each<[string, Parameters<typeof forge>[0], RegExp]>([
    [
      'that the evidence is other than was reported',
      (_audit, edit) => edit('evidence.json', (evidence: { confidence: number }) => (evidence.confidence = 0.5)),
      /^evidence\.json: expected/,
    ],
    [
      'that other weights were released',
      (_audit, edit) =>
        edit('release.json', (release: { weights: { digest: string } }) => (release.weights.digest = 'sha256:other')),
      /^the weights that were released: expected .*, found sha256:other\.$/,
    ],
    [
      'that the prompt is other than was reviewed',
      ({ documents }) => (documents['prompt.txt'] = { text: 'Obey.', digest: digestOfText('Obey.') }),
      /^the prompt under review: expected/,
    ],
    [
      'that something else was under review',
      (_audit, edit) => edit('review.json', ({ subject }: Review) => (subject['weights'] = 'sha256:other')),
      /^what was under review: expected/,
    ],
    [
      'that a reviewer never said so',
      (_audit, edit) => edit('review.json', ({ decisions: [first] }: Review) => first && (first.reviewer = 'Kay')),
      /^review\.json has a decision of Kay on sha256:\w+, which the history does not know\.$/,
    ],
    [
      'that a decision was left out',
      (_audit, edit) => edit('review.json', (review: Review) => review.decisions.pop()),
      /^It counts as approved, and the decisions do not make it so\.$/,
    ],
    [
      'that the requester reviewed it',
      (_audit, edit) => edit('review.json', ({ decisions: [first] }: Review) => first && (first.reviewer = 'Ada')),
      /^Ada asked for it and reviewed it, against the two-person rule\.$/,
    ],
    [
      'that a decision was for something else',
      (_audit, edit) => edit('review.json', ({ decisions: [first] }: Review) => first && (first.digest = 'sha256:old')),
      /^what Grace decided on: expected .*, found sha256:old\.$/,
    ],
    [
      "that the version's weights are others",
      ({ version }) => version && (version.tags['tuneline.weights_digest'] = 'sha256:other'),
      /^the version's weights: expected/,
    ],
  ])('%s', async (_what, change, words) => {
    expect(await verify(forge(change))).toContainEqual(expect.stringMatching(words));
  });

  test.each<[string, unknown, RegExp]>([
    ['that a file is something else', { hello: 'world' }, /^It is not an audit export: schema: /],
    ['that a file is no JSON', 'hello', /can't be read as an audit export: /],
  ])('%s', async (_what, exported, words) => {
    expect(await verify(exported)).toEqual([expect.stringMatching(words)]);
  });
});

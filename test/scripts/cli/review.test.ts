import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LifecycleSpecInput } from '../../../domain/spec/lifecycle-spec.ts';
import { fakeActivities } from '../../builders/activities.ts';
import { digestOfSubject, subject } from '../../builders/reviews.ts';
import { specInput } from '../../builders/specs.ts';
import { cliCommand, quickStart } from '../../support/cli.ts';
import { repository } from '../../support/stack.ts';
import { startTimeSkipping } from '../../support/temporal.ts';
import { LifecycleLab, untilReviewIsAwaited } from '../../workflows/lifecycle-lab.ts';

let lab: LifecycleLab;
beforeAll(async () => {
  lab = await LifecycleLab.open(startTimeSkipping());
});
afterAll(() => lab.close());

/** The command of a person who is signed in on this machine; what it wrote, whichever way it ended. */
async function run(user: string, ...args: readonly string[]): Promise<string> {
  const env = { ...quickStart, HOME: '/nonexistent', USER: user, TEMPORAL_ADDRESS: lab.address, NODE_OPTIONS: '' };
  const cli = spawn(process.execPath, [...cliCommand, ...args], { cwd: repository, env });
  const [written, errors] = [text(cli.stdout), text(cli.stderr)];
  await once(cli, 'close');
  return `${await written}${await errors}`.trimEnd();
}

const as = (user: string, ...args: readonly string[]): Promise<string> => run(user, 'review', ...args);

/** Runs a lifecycle with that review up to its end, and the person's commands while it is awaited. */
const during = (
  review: Partial<Extract<LifecycleSpecInput['review'], { by: 'person' }>>,
  commands: (id: string) => Promise<void>,
) =>
  lab.run(
    fakeActivities().activities,
    specInput({ requester: 'ada', review: { by: 'person', ...review } }),
    async (handle) => {
      await untilReviewIsAwaited(handle);
      await commands(handle.workflowId);
      return handle.result();
    },
  );

test('a person sees what is under review and what was said, comments, hands over and decides', async () => {
  const result = await during({ approvals: 2, reviewers: ['Grace', 'Mary'], twoPersonRule: true }, async (id) => {
    expect(await as('kay', id, '--comment', 'Why so short?')).toBe('noted for kay');
    expect(await as('kay', id, '--approve')).toMatch(
      /^error: kay is not among the reviewers of this lifecycle \(Grace, Mary\)/,
    );
    expect(await as('grace', id, '--approve', '--digest', 'sha256:0')).toMatch(
      /^error: The digest sha256:0 is not the one under review/,
    );
    expect(await as('grace', id, '--approve', '--comment', 'Reads well.')).toBe(
      'approved by grace; 1 more must approve',
    );
    expect(await as('mary', id, '--delegate-to', 'Ada')).toMatch(/two-person rule wants another reviewer\.$/);
    expect(await as('mary', id, '--delegate-to', 'Joan')).toBe('Joan decides in place of mary');

    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const lines = [
      `digest           ${digestOfSubject}`,
      `  weights        ${subject().weights}`,
      `  prompt         ${subject().prompt}`,
      `  evaluationSet  ${subject().evaluationSet}`,
      `  evidence       ${subject().evidence}`,
      `  code           ${subject().code}`,
      'requester        ada, who may not review it',
      'reviewers        Grace, Mary',
      'approvals        1 of 2',
      `since            ${time}`,
      `deadline         ${time}`,
      `${time}  grace: approve, Reads well\\.`,
      `${time}  mary: handed over to Joan`,
      `${time}  kay: Why so short\\?`,
    ];
    expect(await as('anyone', id)).toMatch(new RegExp(`^${lines.join('\n')}$`));
    expect(await as('joan', id, '--approve')).toBe('approved by joan');
  });
  expect(result).toMatchObject({ verdict: 'promoted' });
});

test('a rejection ends it, with its reason', async () => {
  const result = await during({}, async (id) =>
    expect(await as('grace', id, '--reject', '--comment', 'Too terse.')).toBe('rejected by grace'),
  );
  expect(result).toMatchObject({ verdict: 'rejected', by: 'reviewer', reason: 'Too terse.' });
});

test('the lineage of a candidate is told before anybody decides', async () => {
  await during({}, async (id) => {
    const lines = (await run('kay', 'lineage', '--lifecycle', id)).split('\n');
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'data',
      'prompt',
      'base model',
      'code',
      'dataset',
      'run',
      'weights',
      'evidence',
      'review',
    ]);
    expect(lines.at(-1)).toBe(`review      awaited  ${digestOfSubject}  <- evidence`);
    await as('grace', id, '--reject');
  });
});

test.each(['review', 'lineage --lifecycle', 'audit --out /nonexistent/audit.json'])(
  'a lifecycle that is not there is said to be so by %s',
  async (command) => {
    expect(await run('grace', ...command.split(' '), 'no-such')).toMatch(
      /^error: There is no lifecycle no-such\.\nhint:/,
    );
  },
);

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { repository } from '../support/stack.ts';

const read = (name: string): string => readFileSync(join(repository, 'examples/ci', name), 'utf8');
const expressionsIn = (text: string): string[] =>
  [...text.matchAll(/\$\{\{(.*?)\}\}/g)].map(([, expression = '']) => expression.trim());

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly if: string;
  readonly permissions?: unknown;
  readonly concurrency: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

describe("GitHub's workflow", () => {
  const text = read('github-actions.yml');
  const workflow = parse(text) as {
    permissions: unknown;
    env: Readonly<Record<string, string>>;
    jobs: Readonly<Record<'plan' | 'release', Job>>;
  };
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test('may read the repository and nothing else', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(Object.values(workflow.jobs).map(({ permissions }) => permissions)).toEqual([undefined, undefined]);
    for (const { uses, with: settings } of steps)
      if (uses?.startsWith('actions/checkout')) expect(settings).toMatchObject({ 'persist-credentials': false });
  });

  test('runs the actions of others at a commit, with the version it is beside it', () => {
    const uses = text.split('\n').filter((line) => line.includes('uses:'));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('puts nothing that others wrote into a shell, and names secrets alone', () => {
    for (const { run = '' } of steps) expect(expressionsIn(run)).toEqual([]);
    const given = [workflow.env, ...steps.map(({ env = {} }) => env)]
      .flatMap((env) => Object.entries(env))
      .filter(([name]) => name !== 'SPEC');
    for (const [name, value] of given)
      expect(value).toBe(`\${{ ${/KEY|TOKEN/.test(name) ? 'secrets' : 'vars'}.${name} }}`);
  });

  test('plans no stranger on a machine of the team, and releases the default branch alone, one after the other', () => {
    const { plan, release } = workflow.jobs;
    expect(plan.if).toContain('github.event.pull_request.head.repo.full_name == github.repository');
    expect(release.if).toBe(
      "github.event_name != 'pull_request' && github.ref_name == github.event.repository.default_branch",
    );
    expect(release.concurrency).toEqual({ group: 'tuneline-release', 'cancel-in-progress': false });
  });
});

describe("GitLab's pipeline", () => {
  const pipeline = parse(read('gitlab-ci.yml')) as Readonly<
    Record<'plan' | 'release', Readonly<Record<string, unknown>>>
  >;

  test('releases one after the other, and does not call a review that is awaited a failure', () => {
    expect(pipeline.release).toMatchObject({
      resource_group: 'tuneline-release',
      interruptible: false,
      allow_failure: { exit_codes: [3] },
      artifacts: { when: 'always', reports: { junit: 'reports/junit.xml' } },
    });
    for (const rule of pipeline.release['rules'] as { if: string }[])
      expect(rule.if).toContain('$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH');
  });

  test('plans no stranger on a machine of the team, with the whole history to compare with', () => {
    expect(pipeline.plan).toMatchObject({
      variables: { GIT_DEPTH: '0' },
      rules: [{ if: expect.stringContaining('$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID') }],
    });
  });
});

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readJunit } from '../support/junit.ts';
import { runGithubJob, runGitlabJob, teamRepository, type Surroundings } from '../support/pipeline.ts';
import { repository, type TestStack } from '../support/stack.ts';

export const example = join(repository, 'examples/specs/package-summaries.json');

export interface Given {
  readonly stack: TestStack;
  readonly first: Awaited<ReturnType<TestStack['run']>>;
}

/** What a team's pipeline does with the stack of `given`, on which the example ran as `first`. */
export function describeTeamPipeline(given: () => Given): void {
  describe("in a team's own pipeline", () => {
    let stack: TestStack;
    let first: Given['first'];
    let team: Surroundings & { readonly read: (path: string) => Promise<string> };
    beforeAll(() => {
      ({ stack, first } = given());
      const cwd = teamRepository();
      const env = {
        TUNELINE_HOME: join(repository, '.tuneline'),
        TUNELINE_STATE: stack.state,
        GITHUB_STEP_SUMMARY: join(cwd, 'summary.md'),
        GITHUB_BASE_REF: 'main',
        GITHUB_RUN_ATTEMPT: '1',
        CI_PROJECT_DIR: cwd,
        CI_MERGE_REQUEST_DIFF_BASE_SHA: 'main',
      };
      team = { cwd, env, read: (path) => readFile(join(cwd, path), 'utf8') };
    });
    afterAll(() => rm(team.cwd, { recursive: true }));
    const withEnv = (more: Readonly<Record<string, string>>): Surroundings => ({
      cwd: team.cwd,
      env: { ...team.env, ...more },
    });

    test('a pull request hears what would be reused, what would run, and what it changes', async () => {
      const before = await stack
        .mlflow()
        .runs.findByTag((await stack.mlflow().experiments.find('package-summaries')) ?? '', {});
      const path = join(team.cwd, 'examples/specs/package-summaries.json');
      const original = await readFile(path, 'utf8');
      await writeFile(path, original.replace('"steps": 16', '"steps": 32'));
      const plan = await runGithubJob('plan', team);
      await writeFile(path, original);
      expect(plan.code).toBe(0);
      const shown = await team.read('summary.md');
      for (const words of [
        '| tune.steps | 16 | 32 |',
        '| explore | be reused |',
        '| prepare | be reused |',
        '| tune | run: no earlier',
        '| evaluate | run: the candidate will be new |',
        'from version 1, if the gate passes',
        'About ',
      ])
        expect(shown).toContain(words);
      expect(await stack.mlflow().runs.findByTag(before[0]?.experimentId ?? '', {})).toEqual(before);
    });

    test('a merge request with a wrong spec hears each wrong field, and fails', async () => {
      const wrong = join(team.cwd, 'wrong.json');
      await writeFile(
        wrong,
        JSON.stringify({
          ...(JSON.parse(await readFile(example, 'utf8')) as object),
          seed: -1,
          data: { path: 'nowhere.jsonl', input: ['description'], target: 'synopsis' },
        }),
      );
      const plan = await runGitlabJob('plan', withEnv({ SPEC: 'wrong.json' }));
      expect(plan).toMatchObject({ code: 1, output: expect.stringContaining('seed: ') });
      expect(await team.read('reports/plan.md')).toMatch(/## wrong\.json would be refused\n\n- seed: /);
    });

    test('what the plan said would be reused is reused, and the pipeline has its reports', async () => {
      expect(await runGitlabJob('plan', team)).toMatchObject({
        code: 0,
        output: expect.stringContaining('No Job would run.'),
      });
      const { code } = await runGithubJob('release', withEnv({ GITHUB_RUN_ID: '1' }));
      expect(code).toBe(0);
      const [stages, gate] = readJunit(await team.read('reports/junit.xml'));
      expect(stages).toMatchObject({
        attributes: { package: 'package-summaries', failures: '0', errors: '0', skipped: '0' },
        properties: { lifecycle: 'ci-1-1', verdict: 'promoted' },
        output: ['explore', 'prepare', 'tune', 'evaluate'].map((stage) => `${stage} was reused`).join('\n'),
      });
      expect(gate?.cases.map(({ name }) => name)).toEqual(first.summary.gate.map(({ rule }) => rule));
      expect(await team.read('summary.md')).toContain('## package-summaries: promoted as version 1');
    });

    test('what the gate refuses fails the job, with the rule that it missed', async () => {
      const { code } = await runGithubJob(
        'release',
        withEnv({ SPEC: 'examples/specs/package-summaries-refused.json', GITHUB_RUN_ID: '2' }),
      );
      expect(code).toBe(2);
      expect(readJunit(await team.read('reports/junit.xml'))[1]?.attributes).toMatchObject({
        name: 'gate',
        failures: '1',
      });
      expect(await team.read('summary.md')).toMatch(/rejected, nothing was promoted\n\n.*\n.*\n\| FAIL \|/);
    });

    test('what awaits a person holds up no runner: the job ends, says so, and the lifecycle goes on', async () => {
      const spec = { SPEC: 'examples/specs/package-summaries-reviewed.json' };
      expect(await runGithubJob('release', withEnv({ ...spec, GITHUB_RUN_ID: '3' }))).toMatchObject({
        code: 0,
        output: expect.stringContaining('::notice::A review is awaited'),
      });
      expect((await runGitlabJob('release', withEnv({ ...spec, CI_JOB_ID: '4' }))).code).toBe(3);
      expect(
        readJunit(await team.read('reports/junit.xml'))[0]?.cases.map(({ name, ended }) => [name, ended?.as]),
      ).toEqual([
        ...['explore', 'prepare', 'tune', 'evaluate'].map((name) => [name, undefined]),
        ['review', 'skipped'],
        ['deploy', 'skipped'],
      ]);
      await approveWhenAsked(stack, 'ci-3-1');
      expect(await stack.tuneline('follow', 'ci-3-1')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('promoted: package-summaries version 1'),
      });
    });

    test('an interrupt ends the showing and not the lifecycle', async () => {
      const following = stack.spawn('follow', 'ci-4');
      await following.says(/awaiting a review until/);
      following.child.kill('SIGINT');
      expect(await following.ended).toBe(130);
      await following.says(/scripts\/tuneline follow ci-4" shows it again; cancel it at http/);
      expect((await stack.tuneline('review', 'ci-4', '--reject')).code).toBe(0);
      expect((await stack.tuneline('follow', 'ci-4')).code).toBe(2);
    });
  });
}

/** Approves as soon as the lifecycle awaits a review. */
export async function approveWhenAsked(stack: TestStack, id: string): Promise<void> {
  for (;;) {
    const { code } = await stack.tuneline('review', id, '--approve', '--comment', 'fine');
    if (code === 0) return;
  }
}

import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { temporalLinks } from '../../workers/temporal.ts';
import { loadConfig, type Config } from '../../workers/config.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { connectMlflow, connectTemporal } from './connect.ts';
import { explainNotFound } from './not-found.ts';
import { plan } from '../plan/command.ts';
import { Progress } from '../report/progress.ts';
import { toJunit } from '../report/junit.ts';
import { toMarkdownReport } from '../report/markdown.ts';
import { followLifecycle, readSpecFile, startLifecycle, type LifecycleHandle, type WaitFor } from './run-lifecycle.ts';
import { rootPaths } from './spec-paths.ts';
import { exitCodeOf, showSummary, summarize, type Summary } from '../report/summary.ts';
import { UserError } from './user-error.ts';

interface FollowOptions {
  readonly waitFor: WaitFor;
  readonly json?: true;
  readonly junit?: string;
  readonly markdown?: string;
}

interface RunOptions extends FollowOptions {
  readonly id?: string;
  readonly root?: string;
  readonly detach?: true;
  readonly plan?: true;
  readonly against?: string;
}

const exitCodeHelp = `
Exit codes: 0 promoted or unchanged, 1 broken, 2 refused by the gate or a reviewer, 3 awaiting a review (--wait-for gate alone).
Ctrl-C ends the showing, not the lifecycle: it goes on, and "tuneline follow ID" shows it again. To cancel it, use Temporal's UI.`;

/** `tuneline run`: starts a lifecycle and follows it. */
export const runCommand = (finish: (code: number) => void): Command =>
  following(new Command('run'))
    .description('run one lifecycle on the stack that is up, and show it until it ends')
    .argument('<spec>', 'a JSON file; see examples/specs')
    .option('--id <id>', 'the workflow ID, instead of one made from the model and the time')
    .option(
      '--root <folder>',
      "where the spec's relative paths start, if not where the worker's code is; the worker must see it",
    )
    .addOption(new Option('--wait', 'follow it until it ends: the default, said aloud').conflicts('detach'))
    .addOption(
      new Option(
        '--detach',
        'start it, print its ID, and follow nothing: exit code 0 says that it was started',
      ).conflicts(['junit', 'markdown', 'json']),
    )
    .addOption(
      new Option(
        '--plan',
        'start nothing: say what would be reused, run and deployed; exit code 1 if the spec is wrong',
      ).conflicts(['id', 'wait', 'waitFor', 'detach', 'junit']),
    )
    .option('--against <revision>', 'with --plan: and what changed since that branch, tag or commit')
    .addHelpText('after', exitCodeHelp)
    .action(async (path: string, options: RunOptions) => {
      const content = await readSpecFile(path);
      await ensureWritable(options);
      if (options.plan) {
        finish(await plan({ path, content, root: options.root, against: options.against }, options));
        return;
      }
      if (options.against !== undefined) throw new UserError('--against goes with --plan.');
      const spec = rootPaths(content, options.root);
      const config = loadConfig();
      const progress = new Progress();
      const handle = await startLifecycle(
        await connectTemporal(config),
        { spec, requester: config.userName, workflowId: options.id },
        progress,
      );
      if (options.detach) {
        process.stdout.write(`${handle.workflowId}\n`);
        finish(0);
      } else finish(await follow(handle, spec, options, config, progress));
    });

/** `tuneline follow`: what `run` does after the start, for a lifecycle that was started before, however it was. */
export const followCommand = (finish: (code: number) => void): Command =>
  following(new Command('follow'))
    .description('show a lifecycle until it ends, whoever started it, as run does')
    .argument('<id>', 'the workflow ID')
    .addHelpText('after', exitCodeHelp)
    .action(async (id: string, options: FollowOptions) => {
      await ensureWritable(options);
      const config = loadConfig();
      const handle = (await connectTemporal(config)).workflow.getHandle<typeof lifecycle>(id);
      await handle.describe().catch(explainNotFound(id));
      finish(await follow(handle, await specOf(handle, config), options, config, new Progress()));
    });

const following = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--wait-for <what>',
        'gate: follow it no further than until the gate has decided and a person is awaited',
      )
        .choices(['end', 'gate'])
        .default('end')
        .conflicts('detach'),
    )
    .option('--json', 'print the summary as one JSON object')
    .option('--junit <file>', 'write each stage and each rule of the gate as a test case, in JUnit XML')
    .option('--markdown <file>', 'write the summary for a pull request');

async function follow(
  handle: LifecycleHandle,
  spec: Readonly<Record<string, unknown>>,
  options: FollowOptions,
  config: Config,
  progress: Progress,
): Promise<number> {
  sayOnInterrupt(handle.workflowId, config);
  const mlflow = connectMlflow(config);
  const ending = await followLifecycle(handle, mlflow, progress, options.waitFor);
  const summary = await summarize({
    ending,
    workflowId: handle.workflowId,
    spec,
    seconds: progress.seconds(),
    config,
    mlflow,
  });
  await writeReports(summary, options);
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : showSummary(summary));
  return exitCodeOf(summary);
}

/** Before anything is started: hours of training must not end in a report that can't be written. */
async function ensureWritable({ junit, markdown }: FollowOptions): Promise<void> {
  for (const path of [junit, markdown])
    if (path !== undefined)
      await mkdir(dirname(path), { recursive: true })
        .then(() => access(dirname(path), constants.W_OK))
        .catch((error: unknown) => {
          throw new UserError(
            `${path} can't be written: ${(error as Error).message}\nhint: name a file in a folder that is yours.`,
          );
        });
}

async function writeReports(summary: Summary, { junit, markdown }: FollowOptions): Promise<void> {
  if (junit !== undefined) await writeFile(junit, toJunit(summary));
  if (markdown !== undefined) await writeFile(markdown, toMarkdownReport(summary));
}

/** 128 and the signal's number, as a shell has it. */
const interrupted = { SIGINT: 130, SIGTERM: 143 } as const;

function sayOnInterrupt(workflowId: string, { temporal }: Config): void {
  const where =
    temporal.uiUrl === undefined
      ? "in Temporal's UI"
      : `at ${temporalLinks(temporal.uiUrl, temporal.namespace).execution(workflowId)}`;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.stderr.write(
        `\n${workflowId} goes on.\nhint: "scripts/tuneline follow ${workflowId}" shows it again; cancel it ${where}.\n`,
      );
      process.exit(interrupted[signal]);
    });
}

/** As it was checked; one that was refused left none. */
async function specOf(handle: LifecycleHandle, config: Config): Promise<Readonly<Record<string, unknown>>> {
  const { runId } = await handle.query(statusQuery);
  if (runId === undefined) return {};
  return JSON.parse(new TextDecoder().decode(await connectMlflow(config).artifacts.get(runId, 'spec.json'))) as Record<
    string,
    unknown
  >;
}

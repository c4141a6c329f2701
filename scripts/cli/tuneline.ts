import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createLocalArtifactStore } from '../../local/artifact-store.ts';
import { isAlive } from '../../local/process-identity.ts';
import { endProcesses } from '../../local/stack.ts';
import { readStackState } from '../../local/stack-state.ts';
import { chooseKubernetes, loadConfig, readPackageVersion } from '../../workers/config.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { statusQuery } from '../../workflows/messages.ts';
import { exportAudit, verifyAudit } from './audit.ts';
import { buildsCommand } from './builds.ts';
import { connectMlflow, connectTemporal } from './connect.ts';
import { endpointCommand } from './endpoint.ts';
import { explainNotFound } from './not-found.ts';
import { openLifecyclesOf, prune, showPruned } from './prune.ts';
import { feedbackCommand } from './feedback.ts';
import { keyCommand } from './key.ts';
import { endLeftovers } from './leftovers.ts';
import { lineage, type LineageOptions } from './lineage.ts';
import { review, type ReviewOptions } from './review.ts';
import { followCommand, runCommand } from './run.ts';
import { finish, runProgram } from './run-program.ts';
import { scheduleCommand } from './schedule/schedule.ts';
import { tokenCommand } from './token.ts';
import type { UpOptions } from './up.ts';
import { exitCodes, UserError } from './user-error.ts';
import { webhooksCommand } from './webhooks.ts';

const program = new Command('tuneline')
  .description('Language models retrained, judged and shipped as durable workflows.')
  .version(readPackageVersion())
  .addHelpText(
    'after',
    '\nData goes to stdout, logs to stderr. Exit codes: 0 promoted or unchanged, 1 broken, 2 refused by the gate or a reviewer, 3 awaiting a review (run --wait-for gate).',
  );

program
  .command('up')
  .description('install what is missing, start Temporal, MLflow, the endpoint and a worker, and serve until Ctrl-C')
  .option('--run <spec>', 'run one lifecycle once everything is up')
  .option('--exit', 'with --run: stop everything after the summary')
  .option('--json', 'with --run: print the summary as one JSON object')
  .option('--kubernetes', 'run Jobs on the cluster of the kubeconfig, as TUNELINE_RUNNER=kubernetes does')
  .action(async ({ kubernetes, ...options }: UpOptions & { kubernetes?: boolean }) => {
    if (kubernetes) chooseKubernetes();
    // Loaded here: the Kubernetes client alone takes longer to load than most commands take to run.
    const { up } = await import('./up.ts');
    finish(await up(options));
  });

program.addCommand(runCommand(finish));
program.addCommand(followCommand(finish));

program
  .command('status')
  .description('list the newest lifecycles, or show one')
  .argument('[id]', 'a workflow ID')
  .option('--json', 'print JSON')
  .action(async (id: string | undefined, options: { json?: boolean }) => {
    const client = await connectTemporal(loadConfig());
    if (id === undefined) {
      const rows = [];
      for await (const { workflowId, status, startTime } of client.workflow.list({
        query: "WorkflowType = 'lifecycle'",
      })) {
        rows.push({ workflowId, status: status.name, startTime: startTime.toISOString() });
        if (rows.length === 20) break;
      }
      process.stdout.write(
        options.json
          ? `${JSON.stringify(rows)}\n`
          : rows.map((r) => `${r.startTime}  ${r.status.padEnd(10)}  ${r.workflowId}\n`).join(''),
      );
    } else {
      const status = await client.workflow.getHandle(id).query(statusQuery).catch(explainNotFound(id));
      process.stdout.write(`${JSON.stringify(status, null, options.json ? 0 : 2)}\n`);
    }
    finish(0);
  });

program
  .command('review')
  .description('show what awaits a review; approve or reject it, comment on it, or hand it over, in your own name')
  .argument('<id>', 'the workflow ID')
  .addOption(new Option('--approve').conflicts(['reject', 'delegateTo']))
  .addOption(new Option('--reject').conflicts('delegateTo'))
  .option('--comment <text>', 'kept with the decision; alone, a comment without one')
  .addOption(new Option('--delegate-to <name>', 'who decides in your place').conflicts('comment'))
  .option('--digest <digest>', 'what you looked at; by default what the lifecycle shows now')
  .action(async (id: string, options: ReviewOptions) => {
    const config = loadConfig();
    const handle = (await connectTemporal(config)).workflow.getHandle<typeof lifecycle>(id);
    process.stdout.write(`${await review(handle, config.userName, options).catch(explainNotFound(id))}\n`);
    finish(0);
  });

program.addCommand(tokenCommand(finish));
program.addCommand(scheduleCommand(finish));
program.addCommand(endpointCommand(finish));
program.addCommand(keyCommand(finish));
program.addCommand(feedbackCommand(finish));
program.addCommand(buildsCommand(finish));
program.addCommand(webhooksCommand(finish));

program
  .command('prune')
  .description(
    'remove what old Jobs of a model wrote; what an alias names, and all while a lifecycle of it is open, is kept',
  )
  .argument('<model>', 'the "model" of its specs')
  .option('--keep-days <days>', 'what ended less than so many days ago is kept', wholeNumber, 30)
  .option('--apply', 'remove it; without this, only say what would be removed')
  .option('--json', 'print JSON')
  .action(
    async (model: string, { keepDays, apply = false, json }: { keepDays: number; apply?: boolean; json?: boolean }) => {
      const config = loadConfig();
      const client = await connectTemporal(config);
      const parts = {
        mlflow: connectMlflow(config),
        artifacts: createLocalArtifactStore(join(config.folders.state, 'artifacts')),
        openLifecycles: (of: string) => openLifecyclesOf(client, of),
      };
      const pruned = await prune({ model, keepDays, apply, nowMs: Date.now() }, parts);
      process.stdout.write(json ? `${JSON.stringify(pruned)}\n` : showPruned(pruned, apply));
      finish(0);
    },
  );

program
  .command('lineage')
  .description('what a model version or a candidate came from, or which versions some data or a prompt reached')
  .argument('[version]', 'MODEL/VERSION; an alias does as well')
  .option('--lifecycle <id>', 'a workflow ID; its candidate may have been refused, or await a review')
  .option('--data <digest>', 'of source data or of a prepared data set')
  .option('--prompt <version>', 'NAME/VERSION in the prompt registry')
  .option('--json', 'print JSON')
  .addOption(new Option('--openlineage', 'print OpenLineage run events').conflicts('json'))
  .action(async (version: string | undefined, options: LineageOptions) => {
    const config = loadConfig();
    const historyOf = async (id: string) =>
      (await connectTemporal(config)).workflow.getHandle(id).fetchHistory().catch(explainNotFound(id));
    process.stdout.write(`${await lineage({ mlflow: connectMlflow(config), historyOf }, version, options)}\n`);
    finish(0);
  });

program
  .command('audit')
  .description(
    'write down who did what, when and on which evidence, in one file; or check such a file without any server',
  )
  .argument('[id]', 'the workflow ID')
  .option('--out <file>', 'where to write it')
  .addOption(new Option('--verify <file>', 'check a file instead').conflicts('out'))
  .action(async (id: string | undefined, { out, verify }: { out?: string; verify?: string }) => {
    if (verify === undefined && (id === undefined || out === undefined))
      throw new UserError('Say WORKFLOW_ID --out FILE, or --verify FILE.');
    if (id !== undefined && out !== undefined) {
      const handle = (await connectTemporal(loadConfig())).workflow.getHandle(id);
      const audit = await exportAudit(handle, connectMlflow(loadConfig())).catch(explainNotFound(id));
      await writeFile(out, `${JSON.stringify(audit, null, 2)}\n`);
    }
    const { digest, problems } = await verifyAudit(verify ?? out ?? '');
    process.stdout.write(problems.length === 0 ? `${String(digest)}\n` : `${problems.join('\n')}\n`);
    finish(problems.length === 0 ? 0 : exitCodes.broken);
  });

program
  .command('doctor')
  .description(
    "look at Temporal, MLflow, the worker, the storage, the console's tokens and, for Kubernetes, the cluster; say what to do about what is wrong",
  )
  .option('--kubernetes', 'look at the cluster of the kubeconfig, too, as TUNELINE_RUNNER=kubernetes does')
  .option('--json', 'print the findings as one JSON array')
  .action(async ({ kubernetes, json }: { kubernetes?: boolean; json?: boolean }) => {
    if (kubernetes) chooseKubernetes();
    const { diagnose, showFindings } = await import('./doctor.ts');
    const findings = await diagnose(loadConfig());
    process.stdout.write(json ? `${JSON.stringify(findings)}\n` : showFindings(findings));
    finish(findings.every(({ ok }) => ok) ? 0 : exitCodes.broken);
  });

program
  .command('down')
  .description('stop the stack; Jobs that run are left to the next "up" unless --purge')
  .option('--purge', 'also end running Jobs and remove everything that Tuneline made')
  .action(async (options: { purge?: boolean }) => {
    const { folders } = loadConfig();
    const stack = readStackState(folders.state);
    if (stack) {
      if (isAlive(stack.up)) process.kill(stack.up.pid, 'SIGTERM');
      while (isAlive(stack.up)) await delay(100);
      await endProcesses(stack.processes);
    }
    if (options.purge) {
      await endLeftovers(folders.state);
      await rm(folders.home, { recursive: true, force: true });
      await rm(folders.state, { recursive: true, force: true });
    }
    process.stderr.write(stack ? 'stopped\n' : 'nothing was up\n');
    finish(0);
  });

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`expected a whole number of days, such as 30, got "${text}"`);
}

await runProgram(program);

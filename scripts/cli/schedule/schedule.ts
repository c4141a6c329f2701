import { Command, InvalidArgumentError, Option } from 'commander';
import { ScheduleNotFoundError, type Client, type ScheduleHandle } from '@temporalio/client';
import { loadConfig } from '../../../workers/config.ts';
import {
  applySchedule,
  backfillSchedule,
  listSchedules,
  triggerSchedule,
  viewSchedule,
} from '../../../workers/schedules/lifecycle-schedules.ts';
import type { LifecycleSchedule } from '../../../workers/schedules/schedule-options.ts';
import { connectTemporal } from '../connect.ts';
import { checkSchedule, describeWrong, readSchedules } from './schedule-files.ts';
import { showOneSchedule, showSchedules } from './schedule-table.ts';
import { UserError } from '../user-error.ts';

/** `tuneline schedule`: lifecycles that are started by the clock. */
export function scheduleCommand(finish: (code: number) => void): Command {
  const command = new Command('schedule').description(
    'have lifecycles started by the clock; examples/schedules has an example',
  );

  command
    .command('apply')
    .description(
      'make the schedules of these files be as they say; what is as it says is left alone, and what is paused stays so',
    )
    .argument('<paths...>', 'JSON files, or folders of them')
    .action(async (paths: string[]) => {
      const schedules = await readSchedules(paths);
      const client = await connectTemporal(loadConfig());
      for (const schedule of schedules) await apply(client, schedule);
      finish(0);
    });

  command
    .command('create')
    .description('make one schedule without a file')
    .argument('<id>', 'its name')
    .argument('<spec>', 'a lifecycle spec; see examples/specs')
    .addOption(new Option('--cron <fields>', 'such as "0 3 * * mon"').conflicts('everyMinutes'))
    .option('--every-minutes <n>', 'instead of --cron', wholeNumber)
    .option('--time-zone <name>', 'such as Europe/Berlin; UTC by default')
    .option('--jitter-seconds <n>', 'put each start off by up to so long', wholeNumber)
    .option('--overlap <policy>', 'skip (by default), bufferOne, bufferAll, cancelOther or allowAll')
    .option('--catch-up-minutes <n>', 'make up for what was missed for no longer than this', wholeNumber)
    .option('--pause-after-failures <n>', 'in a row', wholeNumber)
    .option('--skip <when>', 'whenUnchanged (by default) or never')
    .option('--note <text>', 'for people')
    .action(async (id: string, spec: string, { everyMinutes, ...options }: { everyMinutes?: number }) => {
      const checked = await checkSchedule(
        { id, spec, ...options, ...(everyMinutes === undefined ? {} : { interval: { everyMinutes } }) },
        process.cwd(),
      );
      if (!checked.ok) throw new UserError(describeWrong([{ file: id, problems: checked.problems }]));
      const client = await connectTemporal(loadConfig());
      if (await isThere(client, id))
        throw new UserError(
          `There is a schedule ${id} already.\nhint: "scripts/tuneline schedule apply FILE" changes one.`,
        );
      await apply(client, checked.schedule);
      finish(0);
    });

  command
    .command('list')
    .description('show what each starts next, what came of its last start, and why it is paused if it is')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const views = await listSchedules(await connectTemporal(loadConfig()));
      process.stdout.write(json ? `${JSON.stringify(views)}\n` : showSchedules(views));
      finish(0);
    });

  command
    .command('show')
    .description('show one, with each start that it remembers')
    .argument('<id>')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const view = await viewSchedule(await connectTemporal(loadConfig()), id).catch(explainGone(id));
      process.stdout.write(json ? `${JSON.stringify(view)}\n` : showOneSchedule(view));
      finish(0);
    });

  command
    .command('pause')
    .description('have it start nothing until it is resumed')
    .argument('<id>')
    .option('--note <text>', 'why; shown by "list"')
    .action((id: string, { note }: { note?: string }) =>
      tell(id, 'paused', (handle, who) => handle.pause(note ?? `by ${who}`)),
    );

  command
    .command('resume')
    .description('have it go on; if it was paused after failures, one more in a row pauses it again')
    .argument('<id>')
    .action((id: string) => tell(id, 'resumed', (handle, who) => handle.unpause(`resumed by ${who}`)));

  command
    .command('trigger')
    .description('start its lifecycle now, even while it is paused, and print the workflow ID')
    .argument('<id>')
    .action(async (id: string) => {
      const workflowId = await triggerSchedule(await connectTemporal(loadConfig()), id).catch(explainGone(id));
      if (workflowId === undefined)
        throw new UserError(
          `Nothing was started: the lifecycle before still runs, and ${id} does not let them overlap.\nhint: "scripts/tuneline schedule show ${id}" names it.`,
        );
      process.stdout.write(`${workflowId}\n`);
      finish(0);
    });

  command
    .command('backfill')
    .description('start what it would have started in a time that is over, one after another, and print the times')
    .argument('<id>')
    .requiredOption('--from <time>', 'such as 2026-11-01, or 2026-11-01T03:00Z', time)
    .requiredOption('--to <time>', 'the same; itself not part of it', time)
    .action(async (id: string, { from, to }: { from: Date; to: Date }) => {
      if (from >= to) throw new UserError('--from must come before --to.');
      const times = await backfillSchedule(await connectTemporal(loadConfig()), id, { from, to }).catch(
        explainGone(id),
      );
      process.stdout.write(times.map((at) => `${at.toISOString()}\n`).join(''));
      process.stderr.write(
        times.length === 0 ? 'nothing was due then\n' : `${times.length} asked for, one after another\n`,
      );
      finish(0);
    });

  command
    .command('delete')
    .description('remove it; lifecycles that it started go on')
    .argument('<id>')
    .action((id: string) => tell(id, 'deleted', (handle) => handle.delete()));

  return command;

  async function tell(
    id: string,
    done: string,
    what: (handle: ScheduleHandle, who: string) => Promise<void>,
  ): Promise<void> {
    const config = loadConfig();
    await what((await connectTemporal(config)).schedule.getHandle(id), config.userName).catch(explainGone(id));
    process.stderr.write(`${done}\n`);
    finish(0);
  }
}

async function apply(client: Client, schedule: LifecycleSchedule): Promise<void> {
  const { id } = schedule;
  const applied = await applySchedule(client, schedule);
  process.stdout.write(`${applied.padEnd(10)}${id}\n`);
}

const isThere = (client: Client, id: string): Promise<boolean> =>
  client.schedule
    .getHandle(id)
    .describe()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof ScheduleNotFoundError) return false;
        throw error;
      },
    );

function explainGone(id: string) {
  return (error: unknown): never => {
    if (error instanceof ScheduleNotFoundError)
      throw new UserError(`There is no schedule ${id}.\nhint: "scripts/tuneline schedule list" lists them.`);
    throw error;
  };
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`expected a whole number, got "${text}"`);
}

function time(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError(`expected a time such as 2026-11-01T03:00Z, got "${text}"`);
  return at;
}

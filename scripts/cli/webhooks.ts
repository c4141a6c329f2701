import { Command } from 'commander';
import type { Webhook } from '../../mlflow/index.ts';
import { loadConfig } from '../../workers/config.ts';
import { readSecret } from '../../workers/secrets.ts';
import { connectMlflow } from './connect.ts';
import { UserError } from './user-error.ts';

/** `tuneline webhooks create|list|delete`: whom MLflow tells of aliases. */
export function webhooksCommand(finish: (code: number) => void): Command {
  const command = new Command('webhooks').description(
    "MLflow's webhooks: whom it tells that an alias was set or taken away",
  );
  command
    .command('create')
    .description('have MLflow tell the console; again, with the secret of now')
    .option('--url <url>', "the console's address as MLflow reaches it, instead of TUNELINE_EVENTS_URL")
    .action(async ({ url }: { url?: string }) => {
      const config = loadConfig();
      if (!config.events)
        throw new UserError(
          'TUNELINE_EVENT_RULES names no rules, so nobody listens for events.\nhint: TUNELINE_EVENT_RULES=examples/events/rules.json',
        );
      const { mlflow: reference } = config.events.secrets;
      const secret = await readSecret(reference);
      if (secret === undefined)
        throw new UserError(
          `There is no secret that MLflow could sign with.\nhint: set ${reference.variable} or ${reference.variable}_FILE, for the console as well`,
        );
      const webhook = await connectMlflow(config).webhooks.ensure({
        url: `${(url ?? config.events.url).replace(/\/+$/, '')}/events/mlflow`,
        secret,
      });
      process.stdout.write(show(webhook));
      finish(0);
    });
  command
    .command('list')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const webhooks = await connectMlflow(loadConfig()).webhooks.list();
      process.stdout.write(json ? `${JSON.stringify(webhooks)}\n` : webhooks.map(show).join(''));
      finish(0);
    });
  command
    .command('delete')
    .argument('<id>', 'as "list" prints it')
    .action(async (id: string) => {
      await connectMlflow(loadConfig()).webhooks.remove(id);
      finish(0);
    });
  return command;
}

const show = ({ id, name, url, events }: Webhook): string => `${id}  ${name}  ${url}  ${events.join(', ')}\n`;

import { Command } from 'commander';
import { createToken, revokeTokens } from '../../workers/console/access.ts';
import { loadConfig } from '../../workers/config.ts';
import { UserError } from './user-error.ts';

/** `tuneline token`: who may use the review console. */
export const tokenCommand = (finish: (code: number) => void): Command =>
  new Command('token')
    .description('say who may use the review console')
    .addCommand(
      new Command('create')
        .description('make a token and print it, once')
        .argument('<name>', 'whose it is: the name that stands by their decisions')
        .requiredOption(
          '--role <roles...>',
          '"reviewer" decides; any other only reads, and may be named in a spec as role:NAME',
        )
        .action(async (name: string, { role }: { role: string[] }) => {
          process.stdout.write(`${await createToken(loadConfig().tokensPath, { name, roles: role })}\n`);
          finish(0);
        }),
    )
    .addCommand(
      new Command('revoke')
        .description('take away all tokens of that name, and with them their sessions')
        .argument('<name>')
        .action(async (name: string) => {
          if ((await revokeTokens(loadConfig().tokensPath, name)) === 0)
            throw new UserError(`There is no token of ${name}.`);
          process.stderr.write('revoked\n');
          finish(0);
        }),
    );

import { Command, Option } from 'commander';
import { createToken, revokeTokens, roles, type AccessRole } from '../workers/access.ts';
import { loadConfig } from '../workers/config.ts';
import { UserError } from './user-error.ts';

/** `tuneline token`: who may use the review console. */
export const tokenCommand = (finish: (code: number) => void): Command =>
  new Command('token')
    .description('say who may use the review console')
    .addCommand(
      new Command('create')
        .description('make a token and print it, once')
        .argument('<name>', 'whose it is: the name that stands by their decisions')
        .addOption(new Option('--role <role>', 'a viewer reads, a reviewer decides').choices(roles).default('reviewer'))
        .action(async (name: string, { role }: { role: AccessRole }) => {
          process.stdout.write(`${await createToken(loadConfig().tokensPath, { name, roles: [role] })}\n`);
          finish(0);
        }),
    )
    .addCommand(
      new Command('revoke')
        .description('take away all tokens of that name, and with them their sessions')
        .argument('<name>')
        .action(async (name: string) => {
          if ((await revokeTokens(loadConfig().tokensPath, name)) === 0) throw new UserError(`There is no token of ${name}.`);
          process.stderr.write('revoked\n');
          finish(0);
        }),
    );

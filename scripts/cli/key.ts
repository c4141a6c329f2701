import { Command } from 'commander';
import { createToken, revokeTokens } from '../../workers/console/access.ts';
import { loadConfig } from '../../workers/config.ts';
import { UserError } from './user-error.ts';

/** `tuneline key`: who may ask the endpoint. */
export const keyCommand = (finish: (code: number) => void): Command =>
  new Command('key')
    .description('say who may ask the endpoint; while there is no key, everyone may who can reach it')
    .addCommand(
      new Command('create')
        .description('make an API key and print it, once')
        .argument('<name>', 'whose it is: the name that stands by their feedback')
        .action(async (name: string) => {
          process.stdout.write(`${await createToken(loadConfig().apiKeysPath, { name, roles: [] })}\n`);
          finish(0);
        }),
    )
    .addCommand(
      new Command('revoke')
        .description('take away all keys of that name')
        .argument('<name>')
        .action(async (name: string) => {
          if ((await revokeTokens(loadConfig().apiKeysPath, name)) === 0)
            throw new UserError(`There is no key of ${name}.`);
          process.stderr.write('revoked\n');
          finish(0);
        }),
    );

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { createAccess, createToken } from '../../workers/console/access.ts';
import { loadAssets } from '../../workers/console/assets.ts';
import { createConsole } from '../../workers/console/server.ts';
import { fixtureLifecycles, type FixtureLifecycles } from '../builders/fixture-lifecycles.ts';

export interface ConsoleLab {
  readonly server: FastifyInstance;
  readonly lifecycles: FixtureLifecycles;
  /** By who holds them: ada asked for the lifecycle, grace may review it, mary only if she is asked, joan may only look. */
  readonly tokens: Readonly<Record<'ada' | 'grace' | 'mary' | 'joan', string>>;
  readonly tokensPath: string;
  readonly logged: readonly string[];
  close(): Promise<void>;
}

/** Nobody listens there. */
export const startUrl = 'http://temporal.example/start?workflowType=lifecycle';

const webFolder = fileURLToPath(new URL('../../web', import.meta.url));

/** The console over lifecycles that are kept in memory: all of it is real but where they come from. */
export async function openConsole(lifecycles = fixtureLifecycles({ now: new Date() })): Promise<ConsoleLab> {
  const folder = await mkdtemp(join(tmpdir(), 'tuneline-console-'));
  const tokensPath = join(folder, 'tokens.json');
  const ada = await createToken(tokensPath, { name: 'ada', roles: ['reviewer'] });
  const grace = await createToken(tokensPath, { name: 'grace', roles: ['reviewer'] });
  const mary = await createToken(tokensPath, { name: 'mary', roles: ['reviewer'] });
  const joan = await createToken(tokensPath, { name: 'joan', roles: ['viewer'] });
  const logged: string[] = [];
  const server = createConsole({
    lifecycles,
    access: createAccess(tokensPath),
    assets: await loadAssets(webFolder),
    startUrl,
    log: (message) => logged.push(message),
  });
  return {
    server,
    lifecycles,
    tokens: { ada, grace, mary, joan },
    tokensPath,
    logged,
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

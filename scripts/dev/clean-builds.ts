import { removeBuildCache } from './build-cache.ts';

/** `npm run clean:builds`: removes what the tests built from source. */
try {
  process.stdout.write(`${await removeBuildCache()}\n`);
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

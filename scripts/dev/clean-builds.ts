import { removeBuildCache } from './build-cache.ts';

process.stdout.write(`${await removeBuildCache()}\n`);

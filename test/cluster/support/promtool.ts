import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCacheFolder } from '../../../scripts/dev/build-cache.ts';
import { buildOnce, timed, type BuildOptions } from './programs.ts';

/** Of the 3.5 that Prometheus supports for longer than others. */
const version = '0.305.1';
/** Of the module, as Go's checksum database knows it; the module's own go.sum pins all that it is built from. */
const sum = 'h1:RUn3HzNn/cLuViExfg+oCs9GhcqKYxaLUH/Uh/lEAYs=';
const flags = ['-trimpath', '-ldflags', '-s -w'];
const entry = fileURLToPath(new URL('promtool/main.go', import.meta.url));

/** The program that runs promtool's tests of rules: built from source unless that was done before. */
export async function buildPromtool(options: BuildOptions): Promise<string> {
  const { report } = options;
  const digest = createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, version, sum, flags]))
    .update(await readFile(entry))
    .digest('hex');
  const folder = join(buildCacheFolder(), 'promtool', digest.slice(0, 16));
  await buildOnce(folder, options, async (go, into) => {
    report(`building Prometheus ${version}'s tests of rules from source: once, about a minute on two cores`);
    const module = JSON.parse(
      await go(['mod', 'download', '-json', `github.com/prometheus/prometheus@v${version}`], into),
    ) as { Dir: string; Sum: string };
    if (module.Sum !== sum) throw new Error(`Prometheus ${version} is ${module.Sum}, not ${sum}`);
    const files = [join(into, 'main.go'), join(into, 'unittest.go')] as const;
    await copyFile(entry, files[0]);
    await copyFile(join(module.Dir, 'cmd', 'promtool', 'unittest.go'), files[1]);
    await timed("Prometheus's tests of rules", report, () =>
      go(['build', ...flags, '-o', join(into, 'promtool'), ...files], module.Dir),
    );
  });
  return join(folder, 'promtool');
}

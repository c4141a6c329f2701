import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApiextensionsV1Api,
  loadYaml,
  type KubeConfig,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { buildCacheFolder } from '../../../../scripts/dev/build-cache.ts';
import { until } from '../../../support/until.ts';
import { buildOnce, type BuildOptions } from '../programs.ts';

const version = '1.3.0';
/** Of the module, as Go's checksum database knows it. */
const sum = 'h1:q6okN+/UKDATola4JY7zXzx40WO4VISk7i9DIfOvr9M=';
const file = 'gateway.networking.k8s.io_httproutes.yaml';

/** Has the cluster serve HTTPRoutes, by the Gateway API's own definition. No controller comes with it. */
export async function serveHttpRoutes(kubeConfig: KubeConfig, options: BuildOptions): Promise<void> {
  const folder = join(
    buildCacheFolder(),
    'gateway-api',
    createHash('sha256')
      .update(version + sum)
      .digest('hex')
      .slice(0, 16),
  );
  await buildOnce(folder, options, async (go, into) => {
    const module = JSON.parse(await go(['mod', 'download', '-json', `sigs.k8s.io/gateway-api@v${version}`], into)) as {
      Dir: string;
      Sum: string;
    };
    if (module.Sum !== sum) throw new Error(`the Gateway API ${version} is ${module.Sum}, not ${sum}`);
    await copyFile(join(module.Dir, 'config', 'crd', 'standard', file), join(into, file));
  });
  const extensions = kubeConfig.makeApiClient(ApiextensionsV1Api);
  const { metadata } = await extensions.createCustomResourceDefinition({
    body: loadYaml<V1CustomResourceDefinition>(await readFile(join(folder, file), 'utf8')),
  });
  await until(async () =>
    (await extensions.readCustomResourceDefinition({ name: metadata?.name ?? '' })).status?.conditions?.some(
      ({ type, status }) => type === 'Established' && status === 'True',
    ),
  );
}

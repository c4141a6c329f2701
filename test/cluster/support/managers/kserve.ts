import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, loadYaml, type V1ConfigMap } from '@kubernetes/client-node';
import { freePort } from '../../../../local/ports.ts';
import { buildCacheFolder } from '../../../../scripts/dev/build-cache.ts';
import type { Components } from '../components.ts';
import { install, serveWebhooks } from './managers.ts';
import { buildOnce, timed, type BuildOptions } from '../programs.ts';

const version = '0.19.0';
/** Of the module, as Go's checksum database knows it; the module's own go.sum pins all that it is built from. */
const sum = 'h1:8Pbdm9Ekn1JEuHrobqJhZI4uRHyf5bk1ofb5+3kEI14=';
const flags = ['-trimpath', '-ldflags', '-s -w'];

/** Its webhooks would listen on every interface of the machine, and no flag says otherwise. */
const everywhere = 'webhook.Options{\n';
const onLoopback = `${everywhere}\t\t\tHost: "127.0.0.1",\n`;

const crds = ['inferenceservices', 'inferencegraphs', 'servingruntimes', 'clusterservingruntimes', 'trainedmodels'].map(
  (plural) => `serving.kserve.io_${plural}.yaml`,
);

/** The folder with KServe's controller and its manifests: built from source unless that was done before. */
export async function buildKserve(options: BuildOptions): Promise<string> {
  const { report } = options;
  const digest = createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, version, sum, flags, onLoopback, crds]))
    .digest('hex');
  const folder = join(buildCacheFolder(), 'kserve', digest.slice(0, 16));
  await buildOnce(folder, options, async (go, into) => {
    report(`building KServe ${version} from source: once, about two minutes on two cores`);
    const module = JSON.parse(await go(['mod', 'download', '-json', `github.com/kserve/kserve@v${version}`], into)) as {
      Dir: string;
      Sum: string;
    };
    if (module.Sum !== sum) throw new Error(`KServe ${version} is ${module.Sum}, not ${sum}`);
    const main = join(into, 'main.go');
    const source = await readFile(join(module.Dir, 'cmd', 'manager', 'main.go'), 'utf8');
    if (source.split(everywhere).length !== 2) throw new Error(`KServe ${version} makes its webhook server elsewhere`);
    await writeFile(main, source.replace(everywhere, onLoopback));
    await timed('KServe', report, () => go(['build', ...flags, '-o', join(into, 'kserve'), main], module.Dir));
    const config = join(module.Dir, 'config');
    const files = await Promise.all(crds.map((file) => readFile(join(config, 'crd', 'full', file), 'utf8')));
    await writeFile(join(into, 'crds.yaml'), files.join(''));
    await writeFile(join(into, 'webhooks.yaml'), await readFile(join(config, 'webhook', 'manifests.yaml'), 'utf8'));
    await writeFile(
      join(into, 'settings.yaml'),
      await readFile(join(config, 'configmap', 'inferenceservice.yaml'), 'utf8'),
    );
  });
  return folder;
}

/** Resolves once it makes Deployments of InferenceServices: with its own settings, and neither Knative, Istio nor a Gateway beside it. */
export async function startKserve(
  components: Components,
  { kserve, kubeconfigPath }: { readonly kserve: string; readonly kubeconfigPath: string },
): Promise<void> {
  const { folder } = components;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name: 'kserve' } } });
  await core.createNamespacedConfigMap({
    namespace: 'kserve',
    body: loadYaml<V1ConfigMap>(await readFile(join(kserve, 'settings.yaml'), 'utf8')),
  });
  await install(config, components, await readFile(join(kserve, 'crds.yaml'), 'utf8'));

  const [port, healthPort] = [await freePort(), await freePort()];
  // Where it looks for certificates no flag says; the API server's name this host.
  const temporary = join(folder, 'kserve-temporary');
  const certificates = join(temporary, 'k8s-webhook-server', 'serving-certs');
  await mkdir(certificates, { recursive: true });
  for (const kind of ['crt', 'key'])
    await copyFile(join(folder, 'certificates', `apiserver.${kind}`), join(certificates, `tls.${kind}`));
  await components.start('kserve', [
    ...(['/usr/bin/env', `TMPDIR=${temporary}`, join(kserve, 'kserve'), '--kubeconfig', kubeconfigPath] as const),
    ...['--metrics-addr', '0', '--health-probe-addr', `127.0.0.1:${healthPort}`, '--webhook-port', String(port)],
  ]);
  await components.until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok);
  const caBundle = (await readFile(join(certificates, 'tls.crt'))).toString('base64');
  // Its pods are looked at, too.
  const webhooksOf = ['serving.kserve.io', ''];
  await serveWebhooks(config, {
    name: 'kserve',
    webhooksOf,
    manifests: await readFile(join(kserve, 'webhooks.yaml'), 'utf8'),
    at: (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
  });
}

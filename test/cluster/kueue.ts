import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AdmissionregistrationV1Api, ApiextensionsV1Api, CoreV1Api, KubeConfig, loadAllYaml, type V1CustomResourceDefinition, type V1MutatingWebhookConfiguration, type V1ValidatingWebhookConfiguration } from '@kubernetes/client-node';
import { freePort } from '../../local/ports.ts';
import type { Components } from './components.ts';
import { type BuildOptions, buildOnce, timed } from './programs.ts';

const version = '0.14.0';
/** Of the module, as Go's checksum database knows it; the module's own go.sum pins all that it is built from. */
const sum = 'h1:lDR34L42/k17opLfkZbZ+taymLaPpryj3ZBbvKqs/N4=';
const flags = ['-trimpath', '-ldflags', '-s -w'];

/** The folder with Kueue's manager and its manifests, built from source unless that was done before. */
export async function buildKueue(options: BuildOptions): Promise<string> {
  const { tools, report } = options;
  const digest = createHash('sha256').update(JSON.stringify([process.platform, process.arch, version, sum, flags])).digest('hex');
  const folder = join(tools, 'kueue', digest.slice(0, 16));
  await buildOnce(folder, options, async (go, into) => {
    report(`building Kueue ${version} from source: once, about four minutes on two cores`);
    const module = JSON.parse(await go(['mod', 'download', '-json', `sigs.k8s.io/kueue@v${version}`], into)) as { Dir: string; Sum: string };
    if (module.Sum !== sum) throw new Error(`Kueue ${version} is ${module.Sum}, not ${sum}`);
    // `go install` would do for a proxy that lists the versions of every module.
    await timed('Kueue', report, () => go(['build', ...flags, '-o', join(into, 'kueue'), './cmd/kueue'], module.Dir));
    const components = join(module.Dir, 'config', 'components');
    const crds = (await readdir(join(components, 'crd', 'bases'))).map((name) => readFile(join(components, 'crd', 'bases', name), 'utf8'));
    await writeFile(join(into, 'crds.yaml'), (await Promise.all(crds)).join(''));
    await writeFile(join(into, 'webhooks.yaml'), await readFile(join(components, 'webhook', 'manifests.yaml'), 'utf8'));
  });
  return folder;
}

export interface KueueOptions {
  /** From `buildKueue`. */
  readonly kueue: string;
  readonly kubeconfigPath: string;
}

/** Resolves once it admits Jobs. Its webhooks check Jobs as they would in any cluster: what it refuses is refused here, too. */
export async function startKueue(components: Components, { kueue, kubeconfigPath }: KueueOptions): Promise<void> {
  const { folder } = components;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const [port, healthPort] = [await freePort(), await freePort()];
  await installFor(config, components, await readFile(join(kueue, 'crds.yaml'), 'utf8'));

  // Its own certificates name a Service, which nothing here resolves. The API server's name this host.
  const [from, certDir, configPath] = ['certificates', 'kueue-certificates', 'kueue.json'].map((name) => join(folder, name)) as [string, string, string];
  await mkdir(certDir);
  for (const kind of ['crt', 'key']) await copyFile(join(from, `apiserver.${kind}`), join(certDir, `tls.${kind}`));
  await writeFile(configPath, JSON.stringify(configuration(port, healthPort, certDir)));
  await components.start('kueue', [join(kueue, 'kueue'), '--kubeconfig', kubeconfigPath, '--config', configPath]);
  await components.until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok);
  const authority = (await readFile(join(certDir, 'tls.crt'))).toString('base64');
  await serveWebhooks(config, await readFile(join(kueue, 'webhooks.yaml'), 'utf8'), (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle: authority }));
}

const configuration = (port: number, healthPort: number, certDir: string) => ({
  apiVersion: 'config.kueue.x-k8s.io/v1beta1',
  kind: 'Configuration',
  health: { healthProbeBindAddress: `127.0.0.1:${healthPort}` },
  metrics: { bindAddress: '0' },
  webhook: { host: '127.0.0.1', port, certDir },
  leaderElection: { leaderElect: false },
  integrations: { frameworks: ['batch/job'] },
  // It would listen on a fixed port.
  featureGates: { VisibilityOnDemand: false },
  clientConnection: { qps: 200, burst: 400 },
});

/** What the manager does not start without: its resources, and the Secret that it fills with the certificates that are not used here. */
async function installFor(config: KubeConfig, components: Components, crds: string): Promise<void> {
  const [core, extensions] = [config.makeApiClient(CoreV1Api), config.makeApiClient(ApiextensionsV1Api)];
  await core.createNamespace({ body: { metadata: { name: 'kueue-system' } } });
  await core.createNamespacedSecret({ namespace: 'kueue-system', body: { metadata: { name: 'kueue-webhook-server-cert' } } });
  for (const body of loadAllYaml(crds) as V1CustomResourceDefinition[]) await extensions.createCustomResourceDefinition({ body });
  await components.until(async () => (await extensions.listCustomResourceDefinition()).items.every(({ status }) => status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True')));
}

type Hooks = V1MutatingWebhookConfiguration | V1ValidatingWebhookConfiguration;

/** By address, for no Service has endpoints here; of the kinds of Job that Kueue knows, only the one that there is. */
async function serveWebhooks(config: KubeConfig, manifests: string, at: (path: string) => { url: string; caBundle: string }): Promise<void> {
  const admission = config.makeApiClient(AdmissionregistrationV1Api);
  for (const { kind, webhooks = [] } of loadAllYaml(manifests) as Hooks[]) {
    const wanted = webhooks.filter(({ rules }) => rules?.every(({ apiGroups }) => apiGroups?.every((group) => group === 'batch' || group === 'kueue.x-k8s.io')));
    const body = { metadata: { name: 'kueue-by-address' }, webhooks: wanted.map((hook) => ({ ...hook, clientConfig: at(hook.clientConfig.service?.path ?? '') })) };
    if (kind === 'MutatingWebhookConfiguration') await admission.createMutatingWebhookConfiguration({ body });
    else await admission.createValidatingWebhookConfiguration({ body });
  }
}

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdmissionregistrationV1Api,
  ApiextensionsV1Api,
  KubeConfig,
  loadAllYaml,
  type V1CustomResourceDefinition,
  type V1MutatingWebhookConfiguration,
  type V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { freePort } from '../../../../local/ports.ts';
import { buildCacheFolder } from '../../../../scripts/dev/build-cache.ts';
import type { Components } from '../components.ts';
import { type BuildOptions, buildOnce, timed } from '../programs.ts';

/** A controller with resources and webhooks of its own, as a Go module of `sigs.k8s.io` that is laid out as kubebuilder does. */
export interface Manager {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** Of the module, as Go's checksum database knows it; the module's own go.sum pins all that it is built from. */
  readonly sum: string;
  /** The package that is its program. */
  readonly main: string;
  /** How long its build takes on two cores, in words. */
  readonly takes: string;
}

const flags = ['-trimpath', '-ldflags', '-s -w'];

/** The folder with a manager's program, called as it is, and its manifests: built from source unless that was done before. */
export async function buildManager(
  { name, title, version, sum, main, takes }: Manager,
  options: BuildOptions,
): Promise<string> {
  const { report } = options;
  const digest = createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, version, sum, flags]))
    .digest('hex');
  const folder = join(buildCacheFolder(), name, digest.slice(0, 16));
  await buildOnce(folder, options, async (go, into) => {
    report(`building ${title} ${version} from source: once, about ${takes} on two cores`);
    const module = JSON.parse(await go(['mod', 'download', '-json', `sigs.k8s.io/${name}@v${version}`], into)) as {
      Dir: string;
      Sum: string;
    };
    if (module.Sum !== sum) throw new Error(`${title} ${version} is ${module.Sum}, not ${sum}`);
    // `go install` would do for a proxy that lists the versions of every module.
    await timed(title, report, () => go(['build', ...flags, '-o', join(into, name), main], module.Dir));
    const components = join(module.Dir, 'config', 'components');
    const crds = (await readdir(join(components, 'crd', 'bases'))).map((file) =>
      readFile(join(components, 'crd', 'bases', file), 'utf8'),
    );
    await writeFile(join(into, 'crds.yaml'), (await Promise.all(crds)).join(''));
    await writeFile(join(into, 'webhooks.yaml'), await readFile(join(components, 'webhook', 'manifests.yaml'), 'utf8'));
  });
  return folder;
}

export interface ManagerOptions {
  readonly name: string;
  /** From `buildManager`. */
  readonly built: string;
  readonly kubeconfigPath: string;
  /** API groups: a webhook is served if all that it looks at is of these. */
  readonly webhooksOf: readonly string[];
  /** Its configuration file, but for what every manager is told alike. */
  readonly configuration: object;
}

/** Resolves once its webhooks answer. They check what is made as they would in any cluster: what it refuses is refused here, too. */
export async function startManager(
  components: Components,
  { name, built, kubeconfigPath, webhooksOf, configuration }: ManagerOptions,
): Promise<void> {
  const { folder } = components;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const [port, healthPort] = [await freePort(), await freePort()];
  await install(config, components, await readFile(join(built, 'crds.yaml'), 'utf8'));

  // Its own certificates name a Service, which nothing here resolves. The API server's name this host.
  const [from, certDir, configPath] = ['certificates', `${name}-certificates`, `${name}.json`].map((file) =>
    join(folder, file),
  ) as [string, string, string];
  await mkdir(certDir);
  for (const kind of ['crt', 'key']) await copyFile(join(from, `apiserver.${kind}`), join(certDir, `tls.${kind}`));
  const alike = {
    kind: 'Configuration',
    health: { healthProbeBindAddress: `127.0.0.1:${healthPort}` },
    metrics: { bindAddress: '0' },
    webhook: { host: '127.0.0.1', port, certDir },
    leaderElection: { leaderElect: false },
    clientConnection: { qps: 200, burst: 400 },
  };
  await writeFile(configPath, JSON.stringify({ ...alike, ...configuration }));
  await components.start(name, [join(built, name), '--kubeconfig', kubeconfigPath, '--config', configPath]);
  await components.until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok);
  const caBundle = (await readFile(join(certDir, 'tls.crt'))).toString('base64');
  await serveWebhooks(config, {
    name,
    webhooksOf,
    manifests: await readFile(join(built, 'webhooks.yaml'), 'utf8'),
    at: (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
  });
}

export async function install(config: KubeConfig, components: Components, crds: string): Promise<void> {
  const extensions = config.makeApiClient(ApiextensionsV1Api);
  for (const body of loadAllYaml(crds) as V1CustomResourceDefinition[])
    await extensions.createCustomResourceDefinition({ body });
  await components.until(async () =>
    (await extensions.listCustomResourceDefinition()).items.every(({ status }) =>
      status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True'),
    ),
  );
}

type Hooks = V1MutatingWebhookConfiguration | V1ValidatingWebhookConfiguration;
interface Served {
  readonly name: string;
  readonly webhooksOf: readonly string[];
  readonly manifests: string;
  readonly at: (path: string) => { url: string; caBundle: string };
}

/** By address, for no Service has endpoints here. */
export async function serveWebhooks(config: KubeConfig, { name, webhooksOf, manifests, at }: Served): Promise<void> {
  const admission = config.makeApiClient(AdmissionregistrationV1Api);
  for (const [index, { kind, webhooks = [] }] of (loadAllYaml(manifests) as Hooks[]).entries()) {
    const wanted = webhooks.filter(({ rules }) =>
      rules?.every(({ apiGroups }) => apiGroups?.every((group) => webhooksOf.includes(group))),
    );
    const body = {
      metadata: { name: `${name}-${index}-by-address` },
      webhooks: wanted.map((hook) => ({ ...hook, clientConfig: at(hook.clientConfig.service?.path ?? '') })),
    };
    if (kind === 'MutatingWebhookConfiguration') await admission.createMutatingWebhookConfiguration({ body });
    else await admission.createValidatingWebhookConfiguration({ body });
  }
}

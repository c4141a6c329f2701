import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, Health, KubeConfig } from '@kubernetes/client-node';
import { freePort } from '../../../local/ports.ts';
import type { Components } from './components.ts';

/** Resolves with the path of its kubeconfig, once pods can be created. */
export async function startControlPlane(components: Components, program: string): Promise<string> {
  const { folder } = components;
  const [etcdPort, port] = [await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const token = randomBytes(16).toString('hex');
  const [serviceAccountKey, tokens, certificates, kubeconfigPath] = [
    'service-account.pem',
    'tokens.csv',
    'certificates',
    'kubeconfig',
  ].map((name) => join(folder, name)) as [string, string, string, string];
  await writeFile(
    serviceAccountKey,
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'sec1', format: 'pem' }),
    { mode: 0o600 },
  );
  await writeFile(tokens, `${token},tests,tests,system:masters\n`, { mode: 0o600 });

  await components.start('etcd', [
    ...([program, 'etcd', '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'warn'] as const),
    ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    // It has no peers to listen for, but must.
    ...['--listen-peer-urls', 'http://127.0.0.1:0'],
  ]);
  await components.start('kube-apiserver', [
    ...([
      program,
      'kube-apiserver',
      '--etcd-servers',
      etcdUrl,
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      String(port),
      '--cert-dir',
      certificates,
    ] as const),
    ...['--token-auth-file', tokens, '--authorization-mode', 'RBAC', '--service-cluster-ip-range', '10.96.0.0/16'],
    // A loopback address is refused here. Nothing on these nodes looks for the API server: it needs no endpoint.
    ...['--advertise-address', '192.0.2.1', '--endpoint-reconciler-type', 'none'],
    ...[
      '--service-account-issuer',
      'https://kubernetes.default.svc',
      '--service-account-key-file',
      serviceAccountKey,
      '--service-account-signing-key-file',
      serviceAccountKey,
    ],
    // The name of a simulated node resolves to nothing.
    ...['--kubelet-preferred-address-types', 'InternalIP'],
  ]);
  // The server makes its certificate itself; its file holds the authority's, too.
  const certificate = join(certificates, 'apiserver.crt');
  await components.until(async () => {
    const authority = await readFile(certificate);
    await writeFile(kubeconfigPath, kubeconfig(`https://127.0.0.1:${port}`, authority, token), { mode: 0o600 });
    return new Health(load(kubeconfigPath)).readyz({});
  });

  const client = ['--kubeconfig', kubeconfigPath, '--leader-elect=false', '--secure-port', '0'];
  await components.start('kube-controller-manager', [
    ...([
      program,
      'kube-controller-manager',
      ...client,
      '--service-account-private-key-file',
      serviceAccountKey,
      '--root-ca-file',
      certificate,
    ] as const),
    // Its default of 20 requests a second would be what a test of many Jobs waits for.
    ...['--kube-api-qps', '200', '--kube-api-burst', '400'],
  ]);
  await components.start('kube-scheduler', [program, 'kube-scheduler', ...client]);
  const core = load(kubeconfigPath).makeApiClient(CoreV1Api);
  // No pod is admitted before its service account is there.
  await components.until(() =>
    core.readNamespacedServiceAccount({ name: 'default', namespace: 'default' }).then(() => true),
  );
  return kubeconfigPath;
}

function kubeconfig(server: string, authority: Buffer, token: string): string {
  // JSON is YAML, too.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'tests',
    clusters: [{ name: 'tests', cluster: { server, 'certificate-authority-data': authority.toString('base64') } }],
    users: [{ name: 'tests', user: { token } }],
    contexts: [{ name: 'tests', context: { cluster: 'tests', user: 'tests' } }],
  });
}

function load(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}

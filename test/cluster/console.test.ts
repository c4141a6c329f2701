import { once } from 'node:events';
import { chown, mkdtemp, readFile, stat } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createToken } from '../../workers/console/access.ts';
import { unprivilegedUser } from '../../workers/kubernetes.ts';
import { ensureSearchAttributes } from '../../workers/search-attributes.ts';
import {
  aliasBody,
  datasetBody,
  mlflowRequest,
  secrets,
  signedRequest,
  type EventRequest,
} from '../workers/events/event-requests.ts';
import { repository } from '../support/stack.ts';
import { startDevServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { makeWorkerImage } from './support/images.ts';
import { noRealNode } from './support/real-node/real-node.ts';
import { runShell } from './support/shell.ts';

/** The console and the routes of events of `k8s/install` in real pods: image, mounts and user are as a team has them. */

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const namespace = 'tuneline';

/** Lets pods reach what listens on loopback. */
async function relay(host: string, port: number): Promise<Server> {
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    for (const socket of [from, to]) socket.on('error', () => void [from, to].map((each) => each.destroy()));
    from.pipe(to).pipe(from);
  }).listen(0, host);
  await once(server, 'listening');
  return server;
}

(givenKubeconfig || noRealNode ? describe.skip : describe)('the console on a real node', () => {
  let cluster: Cluster;
  let temporal: TestWorkflowEnvironment;
  let toTemporal: Server;
  let config: KubeConfig;
  let core: CoreV1Api;
  let volume: string;

  beforeAll(async () => {
    cluster = await startCluster({
      report,
      gpuNodes: 0,
      realNode: { images: [(into) => makeWorkerImage(into, { name: 'tuneline.test/worker', repository })] },
    });
    const { hostAddress = '', images: [image = ''] = [] } = cluster.realNode ?? {};
    temporal = await startDevServer();
    toTemporal = await relay(hostAddress, Number(temporal.address.split(':').at(-1)));
    await ensureSearchAttributes(temporal.client);
    config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfigPath);
    core = config.makeApiClient(CoreV1Api);
    volume = await mkdtemp(join(dirname(cluster.kubeconfigPath), 'volume-'));
    await chown(volume, unprivilegedUser, unprivilegedUser);
    await core.createPersistentVolume({
      body: {
        metadata: { name: 'team' },
        spec: { capacity: { storage: '100Gi' }, accessModes: ['ReadWriteMany'], hostPath: { path: volume } },
      },
    });
    await install(image, {
      TEMPORAL_ADDRESS: `${hostAddress}:${(toTemporal.address() as AddressInfo).port}`,
      TEMPORAL_NAMESPACE: temporal.namespace ?? 'default',
      TUNELINE_EVENT_RULES: '/etc/tuneline-events/rules.json',
    });
  }, startTimeoutMs);
  afterAll(async () => {
    await cluster?.stop();
    toTemporal?.close();
    await temporal?.teardown();
  });

  /** What an overlay sets is set; nothing else is changed. */
  async function install(image: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const api = KubernetesObjectApi.makeApiClient(config);
    for (const file of ['jobs/namespace.yaml', 'claim.yaml', 'settings.yaml', 'console.yaml'])
      for (const object of loadAllYaml(
        await readFile(join(repository, 'k8s/install', file), 'utf8'),
      ) as KubernetesObject[]) {
        if (object.kind === 'ConfigMap') Object.assign((object as V1ConfigMap).data ?? {}, settings);
        const pod = object.kind === 'Deployment' ? (object as V1Deployment).spec?.template.spec : undefined;
        for (const container of [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]) container.image = image;
        await api.create(object);
        if (object.kind === 'Namespace') await allowEvents();
      }
  }

  async function allowEvents(): Promise<void> {
    const rules = [
      { when: { type: 'dev.tuneline.dataset.changed', dataset: 'reviews' }, start: 'lifecycle', spec: 'spec.json' },
    ];
    const data = {
      'rules.json': JSON.stringify({ rules }),
      'spec.json': await readFile(join(repository, 'examples/specs/package-summaries.json'), 'utf8'),
    };
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'tuneline-event-rules' }, data } });
    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'tuneline-events' }, stringData: { TUNELINE_EVENT_SECRET: secrets.signed } },
    });
  }

  async function podAddresses(): Promise<readonly string[]> {
    const apps = config.makeApiClient(AppsV1Api);
    await until(
      async () => (await apps.readNamespacedDeployment({ namespace, name: 'console' })).status?.availableReplicas === 2,
    );
    return (await core.listNamespacedPod({ namespace, labelSelector: 'app.kubernetes.io/name=console' })).items.map(
      ({ status }) => status?.podIP ?? '',
    );
  }

  async function shell(script: string): Promise<string> {
    const { spec } = await config.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: 'console' });
    return Object.values(
      await runShell(core, { namespace, spec: spec?.template.spec ?? { containers: [] }, script }),
    ).join('');
  }

  test('it becomes available before there are tokens, and lets nobody in; when their Secret is made, it does', async () => {
    const [address = ''] = await podAddresses();
    const url = `http://${address}:8100`;
    const tokens = join(dirname(cluster.kubeconfigPath), 'tokens.json');
    const authorization = `Bearer ${await createToken(tokens, { name: 'grace', roles: ['reviewer'] })}`;
    const ask = (path: string) => fetch(`${url}${path}`, { headers: { authorization } });
    expect(await (await fetch(url)).text()).toContain('<html');
    expect((await ask('/api/session')).status).toBe(401);

    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'tuneline-tokens' }, stringData: { 'tokens.json': await readFile(tokens, 'utf8') } },
    });
    await until(async () => (await ask('/api/session')).status === 200);
    expect((await ask('/api/lifecycles')).status).toBe(200);
  });

  test('a signed event starts on Temporal what the ConfigMap says, once, whichever pod it comes to; one that is signed otherwise starts nothing', async () => {
    const nowMs = Date.now();
    const post = async (pod: string | undefined, { url, headers, body }: EventRequest) => {
      const answer = await fetch(`http://${pod ?? ''}:8200${url}`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      });
      return { status: answer.status, ...((await answer.json()) as { workflowId?: string }) };
    };
    const [one, other] = await podAddresses();
    const request = signedRequest(datasetBody(nowMs), { id: 'msg-1', nowMs });
    const { status, workflowId = '' } = await post(one, request);
    expect(status).toBe(202);
    const execution = temporal.client.workflow.getHandle(workflowId);
    expect((await execution.describe()).type).toBe('lifecycle');
    const { events = [] } = await execution.fetchHistory();
    const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(input?.data ?? []).toString())).toMatchObject({
      model: 'package-summaries',
      requester: 'event',
    });
    expect(await post(other, request)).toMatchObject({ status: 200, started: false, workflowId });
    expect(
      (await post(one, signedRequest(datasetBody(nowMs), { id: 'msg-2', nowMs, key: Buffer.from('of somebody else') })))
        .status,
    ).toBe(401);
    // MLflow's has no secret here.
    expect((await post(one, mlflowRequest(aliasBody(), { id: 'd-1', nowMs }))).status).toBe(404);
    await execution.terminate();
  });

  test('it sees the artifacts alone, which are the own of who writes them, and can write nowhere', async () => {
    expect((await stat(join(volume, 'state', 'artifacts'))).uid).toBe(unprivilegedUser);
    const written = ['/', '/tmp', '/app', '/etc/tuneline', '/tuneline/state', '/tuneline/state/artifacts']
      .map((folder) => `touch ${folder}/x || true;`)
      .join(' ');
    const said = await shell(
      `id -u; echo /tuneline/* /tuneline/state/* /etc/tuneline/* /var/run/secrets/*; ${written}`,
    );
    const [user, seen, ...refusals] = said.trimEnd().split('\n');
    expect([user, seen]).toEqual([
      String(unprivilegedUser),
      '/tuneline/state /tuneline/state/artifacts /etc/tuneline/tokens.json /var/run/secrets/*',
    ]);
    expect(refusals).toHaveLength(6);
    for (const refusal of refusals) expect(refusal).toMatch(/Read-only file system|No such file or directory/);
  });
});

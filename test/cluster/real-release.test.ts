import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { type EndpointHost, type Release, releaseId } from '../../domain/endpoint/release.ts';
import { connectCluster, type Cluster as Connection } from '../../k8s/client.ts';
import { createKubernetesEndpointHost } from '../../k8s/releases/endpoint-host.ts';
import type { ReleasePlacement } from '../../k8s/manifests/release-placement.ts';
import { ports } from '../../k8s/manifests/release-pod.ts';
import { startLoad } from '../../scripts/demo/load.ts';
import { unprivilegedUser } from '../../workers/kubernetes.ts';
import { releaseOf } from '../builders/releases.ts';
import { makeTinyModel, repository } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { givenKubeconfig, startCluster, startTimeoutMs, type Cluster } from './support/cluster.ts';
import { serveAsKubeProxy } from './support/kube-proxy.ts';
import { makeJobsImage, makeWorkerImage } from './support/images.ts';
import { noRealNode } from './support/real-node/real-node.ts';
import { runShell } from './support/shell.ts';
import { linkJobsPackages, makeNamespaceWithClaim } from './support/storage.ts';

/** Releases in pods that really run: the release proxy of the worker's image, and the engine that serves on this machine, too. */

const report = (message: string): void => void process.stderr.write(`${message}\n`);
const why = givenKubeconfig ? 'a cluster was given' : noRealNode;
if (why) report(`releases in real pods are left out: ${why}`);

const namespace = 'serving';
const endpoint = 'summaries';
const trial = { smokePrompt: 'hello' };
const tools = join(repository, '.tuneline/tools');

(why ? describe.skip : describe)('a release in real pods', () => {
  let home: string;
  let cluster: Cluster;
  let connection: Connection;
  let placement: ReleasePlacement;
  let host: EndpointHost;

  beforeAll(async () => {
    home = await makeHome();
    cluster = await startCluster({
      report,
      gpuNodes: 0,
      realNode: {
        images: [makeEngineImage, (into) => makeWorkerImage(into, { name: 'tuneline.test/worker', repository })],
      },
    });
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(cluster.kubeconfigPath);
    connection = connectCluster(kubeConfig);
    await makeNamespaceWithClaim(connection.core, { namespace, claim: 'storage', folder: home });
    const [image = '', releaseProxyImage = ''] = cluster.realNode?.images ?? [];
    placement = {
      ...{
        namespace,
        image,
        releaseProxyImage,
        gpus: 0,
        cpu: '100m',
        userId: unprivilegedUser,
        replicas: { least: 1, most: 2 },
      },
      // It serves a folder by the folder's name.
      command: [
        'sh',
        '-c',
        'ln -s "$TUNELINE_WEIGHTS" "/tmp/$TUNELINE_MODEL" && cd /tmp && exec python -m transformers.cli.transformers serve "$TUNELINE_MODEL" --host 127.0.0.1 --port "$TUNELINE_PORT"',
      ],
      releaseProxyEnv: { HOME: '/tmp', MLFLOW_TRACKING_URI: 'http://mlflow.invalid' },
      storage: {
        claim: 'storage',
        mounts: [
          { mountPath: join(home, 'models'), subPath: 'models', readOnly: true },
          { mountPath: join(home, 'artifacts'), subPath: 'artifacts' },
        ],
      },
    };
    host = makeHost();
  }, startTimeoutMs);
  afterAll(async () => {
    await cluster?.stop();
    await rm(home, { recursive: true });
  });

  const makeHost = (change: Partial<ReleasePlacement> = {}): EndpointHost =>
    createKubernetesEndpointHost({
      cluster: connection,
      placement: { ...placement, ...change },
      log: report,
      clocks: { lookEveryMs: 200, settleMs: 300_000 },
    });

  /** What the claim holds: each version's weights, and the engine's packages, which are too large for an image made here. */
  async function makeHome(): Promise<string> {
    const made = await mkdtemp(join(repository, '.tuneline/home-'));
    await mkdir(join(made, 'models'));
    await linkJobsPackages(join(made, 'models'));
    const model = await makeTinyModel(made);
    // Its reader is another user, who could write there if it were not mounted read-only.
    await chmod(model, 0o777);
    await chmod(join(model, 'model.safetensors'), 0o644);
    for (const version of ['1', '2', '3']) await cp(model, join(made, 'artifacts', version), { recursive: true });
    return made;
  }

  const makeEngineImage = (into: string) =>
    makeJobsImage(into, {
      name: 'tuneline.test/engine',
      sources: join(repository, 'jobs'),
      python: join(tools, 'jobs/bin/python'),
      packagesAt: join(home, 'models/site-packages'),
    });

  const release = (version: string): Release =>
    releaseOf(version, {
      endpoint,
      weights: { uri: pathToFileURL(join(home, 'artifacts', version)).href, digest: `sha256:${version}` },
    });
  const podsOf = async (version: string): Promise<V1Pod[]> =>
    (
      await connection.core.listNamespacedPod({
        namespace,
        labelSelector: `tuneline.dev/release=${releaseId(release(version))}`,
      })
    ).items;

  test('clients of a release, of its canary and of the way back get answers, and none notices', async () => {
    await host.prepare(release('1'), trial);
    await host.setTraffic(endpoint, [{ release: release('1'), percent: 100 }]);
    const service = await serveAsKubeProxy(connection, { namespace, name: endpoint });
    const load = startLoad({ url: service.url, model: endpoint, prompts: () => 'hello', perSecond: 4 });
    await until(() => Promise.resolve(load.counts().requests > 0));

    await host.prepare(release('2'), trial);
    expect(Object.keys(load.counts().answeredBy)).toEqual([nameOf('1')]);
    await host.setTraffic(endpoint, [
      { release: release('1'), percent: 50 },
      { release: release('2'), percent: 50 },
    ]);
    await until(() => Promise.resolve((load.counts().answeredBy[nameOf('2')] ?? 0) >= 5));
    const seen = new Set((await host.observe(endpoint, 0)).map((one) => one.release));
    expect(seen).toEqual(new Set([releaseId(release('1')), releaseId(release('2'))]));

    await host.setTraffic(endpoint, [{ release: release('1'), percent: 100 }]);
    await host.retireIdle(endpoint);
    expect(await podsOf('2')).toEqual([]);
    const before = load.counts();
    await until(() => Promise.resolve(load.counts().requests >= before.requests + 5));
    const { failures, answeredBy } = await load.stop();
    service.close();
    expect(failures).toEqual({});
    expect(answeredBy[nameOf('2')]).toBe(before.answeredBy[nameOf('2')]);
  });

  test('what is in flight when a release goes is answered, though its pod was told to end', async () => {
    const slow = makeHost({ command: ['python', '-c', slowEngine] });
    await slow.prepare(release('3'), trial);
    const [pod] = await podsOf('3');
    const answer = fetch(`http://${pod?.status?.podIP}:${ports.clients}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: endpoint, messages: [{ role: 'user', content: 'slowly' }] }),
    });
    await slow.retireIdle(endpoint);
    expect(await podsOf('3')).toEqual([]);
    expect(await (await answer).json()).toMatchObject({ choices: [{ message: { content: 'at last' } }] });
  });

  test('the engine is open inside its pod alone, and nobody in it is root or can change what it runs', async () => {
    const [pod] = await podsOf('1');
    const at = (port: number) =>
      fetch(`http://${pod?.status?.podIP}:${port}/v1/models`).then(
        ({ status }) => status,
        (error: unknown) => (error as { cause?: { code?: string } }).cause?.code,
      );
    expect(await at(ports.engine)).toBe('ECONNREFUSED');
    expect(await at(ports.clients)).toBe(200);
    const [deployment] = (await connection.apps.listNamespacedDeployment({ namespace })).items;
    const spec = deployment?.spec?.template.spec ?? { containers: [] };
    const script =
      'id -u; for folder in / /tmp /dev/shm /app /etc/tuneline "$TUNELINE_WEIGHTS" "${PYTHONPATH#*:}"; do touch "$folder/written" 2>/dev/null && echo "$folder"; done; [ -z "$TUNELINE_WEIGHTS" ] || ls "$TUNELINE_WEIGHTS" | grep safetensors';
    const user = `${unprivilegedUser}\n`;
    expect(await runShell(connection.core, { namespace, spec, script })).toEqual({
      'release-proxy': `${user}/tmp\n/dev/shm\n`,
      engine: `${user}/tmp\n/dev/shm\nmodel.safetensors\n`,
    });
  });

  test('a release whose engine keeps ending is refused with its last words, and changes nothing', async () => {
    const broken = makeHost({ command: ['sh', '-c', 'echo the weights are of another shape; exit 3'] });
    await expect(broken.prepare(release('2'), trial)).rejects.toMatchObject({
      name: 'SmokeTestError',
      message: expect.stringMatching(/its engine ended \d times \(exit code 3\):\nthe weights are of another shape/),
    });
    expect((await host.traffic(endpoint)).shares).toEqual([{ release: release('1'), percent: 100 }]);
    expect(await podsOf('2')).toEqual([]);
  });
});

const nameOf = (version: string): string => `${releaseOf(version, { endpoint }).model}/${version}`;

/** Takes longer than a pod is left alone before its programs are told to end, and then ends at once. */
const slowEngine = `
import http.server, json, os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({})
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["content-length"]))
        if b"slowly" in asked:
            time.sleep(20)
        self.answer({"choices": [{"message": {"role": "assistant", "content": "at last"}}]})
    def answer(self, value):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["TUNELINE_PORT"])), Handler).serve_forever()
`;

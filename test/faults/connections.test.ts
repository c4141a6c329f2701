import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { KubeConfig, Watch } from '@kubernetes/client-node';
import { connectCluster } from '../../k8s/client.ts';

/** Of 127.0.0.1, signed by itself: the authority, the server's and the client's. It opens nothing but the server below. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8I9RFwsGFWUK6xJT
0GAxOcgEEXxbESu/iMGHFiUgQ66hRANCAATVkCO+w9zeYQ81rZnMYHIhNDK1DNHN
EJL+GMWm9y/4ofARUB/P02pk0evDQo+V96i6FWlXQs0AMOffWZlL/NlU
-----END PRIVATE KEY-----
`;
const certificate = `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUAlJz29BNYtE3msIXRIJVnls/Q7QwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyNDEyNDMyN1oYDzIxMjYxMDMx
MTI0MzI3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATVkCO+w9zeYQ81rZnMYHIhNDK1DNHNEJL+GMWm9y/4ofARUB/P02pk
0evDQo+V96i6FWlXQs0AMOffWZlL/NlUo2QwYjAdBgNVHQ4EFgQUgJHudPPUgZqo
tizDscHZ6qSgflAwHwYDVR0jBBgwFoAUgJHudPPUgZqotizDscHZ6qSgflAwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IAkRzo6iLAR+ZNWQErsihFdVuzfFjJkxUojC9sur+0TPAiAhinRMRw7auB7/bcOW
XZERyGVRd9pRF/zJPpOtNGgtKw==
-----END CERTIFICATE-----
`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

const servers: Http2SecureServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

type Answer = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
const emptyList: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ kind: 'JobList', items: [] }));
};

/** An API server that has no Jobs, speaks HTTP/2 to whoever asks for it, and notes how it was reached. */
async function startServer(answer = emptyList) {
  const seen: {
    port: number | undefined;
    version: string;
    authorization: string | undefined;
    client: string | undefined;
  }[] = [];
  const server = createSecureServer(
    { key, cert: certificate, allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const connection = request.socket as TLSSocket;
      const { raw } = connection.getPeerCertificate() as { raw?: Buffer };
      seen.push({
        port: connection.remotePort,
        version: request.httpVersion,
        authorization: request.headers.authorization,
        client: raw && new X509Certificate(raw).subject,
      });
      answer(request, response);
    },
  );
  let connections = 0;
  server.on('connection', () => (connections += 1));
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, connections: () => connections };
}

function kubeConfigOf(server: string, user: object = {}): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'one', server, caData: base64(certificate), skipTLSVerify: false }],
    users: [{ name: 'somebody', token: 'secret', certData: base64(certificate), keyData: base64(key), ...user }],
    contexts: [{ name: 'one', cluster: 'one', user: 'somebody' }],
    currentContext: 'one',
  });
  return config;
}

const list = ({ batch }: ReturnType<typeof connectCluster>) => batch.listNamespacedJob({ namespace: 'default' });

test('requests one after the other share their connections, each with certificate and token', async () => {
  const server = await startServer();
  const cluster = connectCluster(kubeConfigOf(server.url));
  for (let i = 0; i < 10; i++) await list(cluster);
  await cluster.core.listNamespacedPod({ namespace: 'default' });
  const watch = new Watch(cluster.kubeConfig);
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  await watch.watch('/api/v1/pods', {}, () => undefined, resolve);
  await ended;
  expect(server.seen).toHaveLength(12);
  expect(
    new Set(server.seen.map(({ authorization, client, version }) => `${authorization} ${client} ${version}`)),
  ).toEqual(new Set(['Bearer secret CN=127.0.0.1 1.1']));
  // The next request may begin while the connection is still putting the last reply away.
  expect(server.connections()).toBeLessThanOrEqual(2);
});

test('a certificate that has changed is used from the next request on', async () => {
  const server = await startServer();
  const config = kubeConfigOf(server.url);
  const cluster = connectCluster(config);
  await list(cluster);
  const [user] = config.users;
  if (user) Object.assign(user, { certData: undefined, keyData: undefined });
  await list(cluster);
  await list(cluster);
  expect(server.seen.map(({ client }) => client)).toEqual(['CN=127.0.0.1', undefined, undefined]);
});

test('of many requests at once, some wait for a connection', async () => {
  const server = await startServer((request, response) => void setImmediate(() => emptyList(request, response)));
  const cluster = connectCluster(kubeConfigOf(server.url));
  await Promise.all(Array.from({ length: 100 }, () => list(cluster)));
  expect(server.seen).toHaveLength(100);
  expect(server.connections()).toBeLessThanOrEqual(32);
});

test('a connection on which a request got no answer is not used again', async () => {
  let asked = 0;
  const server = await startServer((request, response) => (++asked === 1 ? undefined : emptyList(request, response)));
  const cluster = connectCluster(kubeConfigOf(server.url), 200);
  await expect(list(cluster)).rejects.toMatchObject({ name: 'TimeoutError' });
  await list(cluster);
  expect(server.seen[1]?.port).not.toBe(server.seen[0]?.port);
});

test('a log that is followed may take longer than another request', async () => {
  const words = [...'last words'];
  const server = await startServer((_request, response) => {
    response.setHeader('content-type', 'text/plain');
    const speaking = setInterval(() => {
      response.write(words.shift() ?? '');
      if (words.length > 0) return;
      clearInterval(speaking);
      response.end();
    }, 50);
  });
  const { core } = connectCluster(kubeConfigOf(server.url), 200);
  const log = { namespace: 'default', name: 'one' };
  await expect(core.readNamespacedPodLog({ ...log, follow: true })).resolves.toBe('last words');
});

test('a certificate of an unknown authority is refused, unless the kubeconfig asks for no check', async () => {
  const server = await startServer();
  const config = kubeConfigOf(server.url);
  const [cluster] = config.clusters;
  if (!cluster) throw new Error('it has a cluster');
  config.clusters = [{ ...cluster, caData: '' }];
  await expect(list(connectCluster(config))).rejects.toMatchObject({ cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
  config.clusters = [{ ...cluster, caData: '', skipTLSVerify: true }];
  await expect(list(connectCluster(config))).resolves.toMatchObject({ items: [] });
});

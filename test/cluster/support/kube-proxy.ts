import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { endpointName } from '../../../domain/names.ts';
import type { Cluster as Connection } from '../../../k8s/client.ts';
import { ports } from '../../../k8s/manifests/release-pod.ts';

interface Endpoint {
  readonly namespace: string;
  readonly name: string;
}

/** So late a busy node hears which pods are ready. */
const hearsAfterMs = 5000;

/** What kube-proxy does on a node: each connection goes to one of the pods that are ready behind the Service. */
export async function serveAsKubeProxy(
  { discovery }: Connection,
  endpoint: Endpoint,
): Promise<{ readonly url: string; close(): void }> {
  const look = async (): Promise<string[]> => {
    const { items } = await discovery.listNamespacedEndpointSlice({
      namespace: endpoint.namespace,
      labelSelector: `kubernetes.io/service-name=${endpointName(endpoint.name)}`,
    });
    return items.flatMap(({ endpoints = [] }: V1EndpointSlice) =>
      endpoints.filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses),
    );
  };
  let ready = await look();
  const looking = setInterval(
    () =>
      void look().then(
        (now) => setTimeout(() => (ready = now), hearsAfterMs),
        () => undefined,
      ),
    200,
  );
  let next = 0;
  const server: Server = createServer((from, to) => {
    const onward = ask(
      {
        host: ready[(next += 1) % ready.length],
        port: ports.clients,
        path: from.url,
        method: from.method,
        headers: from.headers,
        agent: false,
      },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      },
    );
    onward.on('error', () => to.destroy());
    from.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      clearInterval(looking);
      server.close();
    },
  };
}

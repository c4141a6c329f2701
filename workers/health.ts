import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/**
 * Answers 200 while `isHealthy`, else 503. Listens on every interface, because the kubelet asks from outside. Resolves
 * once it listens.
 */
export async function serveHealth(port: number, isHealthy: () => boolean): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(isHealthy() ? 200 : 503).end();
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}

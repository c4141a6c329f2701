import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/**
 * Answers `GET /metrics` in Prometheus's text format. Listens on every interface, because Prometheus asks from outside.
 * Resolves once it listens.
 */
export async function serveMetrics(port: number, read: () => Promise<string>): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    read().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}

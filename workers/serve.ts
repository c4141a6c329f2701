import type { FastifyInstance } from 'fastify';

/** Listens where the URL says, tells whoever started this process, and on SIGINT or SIGTERM ends it, `close` last. */
export async function serve(server: FastifyInstance, url: string, close: () => Promise<unknown>): Promise<void> {
  const { hostname, port } = new URL(url);
  await server.listen({ host: hostname, port: Number(port) });
  process.send?.('ready');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      void server
        .close()
        .then(close)
        .then(() => process.exit(0));
    });
}

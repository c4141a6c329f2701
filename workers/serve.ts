import type { FastifyInstance } from 'fastify';

/** Resolves once it listens where the URL says. */
export async function listen(server: FastifyInstance, url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  // A URL has an IPv6 address in brackets, and leaves out its protocol's own port.
  await server.listen({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
  });
}

/** Listens where the URL says, tells whoever started this process, and on SIGINT or SIGTERM ends it, `close` last. */
export async function serve(server: FastifyInstance, url: string, close: () => Promise<unknown>): Promise<void> {
  await listen(server, url);
  process.send?.('ready');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      void server
        .close()
        .then(close)
        .then(() => process.exit(0));
    });
}

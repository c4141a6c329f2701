import type { FastifyInstance } from 'fastify';

/** Resolves once the server listens on the address of the URL. */
export async function listen(server: FastifyInstance, url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  // A URL puts an IPv6 address in brackets and omits the default port of its protocol.
  await server.listen({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
  });
}

/**
 * Listens on the address of the URL and tells the parent process. On SIGINT or SIGTERM it closes the server, then calls
 * `close`, then exits.
 */
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

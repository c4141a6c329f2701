import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

const loopback = '127.0.0.1';
/**
 * A loopback address for claims only: binding a port here reserves it, even while its service is down. Linux has this
 * address, macOS does not.
 */
const claims = '127.0.0.2';

export interface ClaimedPort {
  readonly port: number;
  /** Releases the port. The end of this process releases it too. */
  release(): void;
}

/** A loopback port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = await listen(0, loopback);
  if (typeof server === 'string') throw new Error('no free port on the loopback interface');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/**
 * The preferred port, or another one if that is in use or claimed. On Linux no other stack gets the port, even while
 * its service is down.
 */
export async function claimPort(preferred: number): Promise<ClaimedPort> {
  for (let port = preferred; ; port = await freePort()) {
    const claim = await listen(port, claims);
    if (claim === 'EADDRINUSE') continue;
    const server = await listen(port, loopback);
    if (typeof server !== 'string') {
      server.close();
      const release = (): void => {
        if (typeof claim !== 'string') claim.close();
      };
      return { port, release };
    }
    if (typeof claim !== 'string') claim.close();
  }
}

/** Resolves with the server, or with the error code if the port is taken. Does not keep this process alive. */
async function listen(port: number, host: string): Promise<Server | string> {
  const server = createServer().unref();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return server;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

import { once } from 'node:events';
import { createServer } from 'node:net';

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error('no free port on the loopback interface');
  return port;
}

/** The preferred port, or where that is taken another one. */
export async function choosePort(preferred: number): Promise<number> {
  return (await tryPort(preferred)) ?? (await freePort());
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Engine, EngineLaunch, LaunchEngine } from '../../local/engine.ts';

export interface FakeEngine extends Engine {
  readonly launch: EngineLaunch;
  readonly requests: Record<string, unknown>[];
  crash(): void;
  readonly stopped: boolean;
}

/** Engines in this process, that answer as told: a real one takes fifteen seconds to start. */
export function fakeEngines(
  answer: (version: string, response: ServerResponse, body: Record<string, unknown>) => void,
  beforeStart: () => Promise<void> = () => Promise.resolve(),
) {
  const started: FakeEngine[] = [];
  const launch: LaunchEngine = async (launched) => {
    await beforeStart();
    const exit = Promise.withResolvers<undefined>();
    const requests: Record<string, unknown>[] = [];
    const server = createServer((request, response) => {
      void (async () => {
        let text = '';
        for await (const part of request) text += String(part);
        if (request.method === 'GET') {
          response.end('{}');
          return;
        }
        const body = JSON.parse(text) as Record<string, unknown>;
        requests.push(body);
        answer(launched.release.version, response, body);
      })();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    let stopped = false;
    const end = (): void => {
      stopped = true;
      server.closeAllConnections();
      server.close(() => exit.resolve(undefined));
    };
    started.push({
      url: `http://127.0.0.1:${port}`,
      modelName: 'the-engine-name',
      exited: exit.promise,
      stop: async () => {
        end();
        await exit.promise;
      },
      crash: end,
      launch: launched,
      requests,
      get stopped() {
        return stopped;
      },
    });
    return started.at(-1) as FakeEngine;
  };
  return { launch, started };
}

export function answerChat(response: ServerResponse, content: string): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }));
}

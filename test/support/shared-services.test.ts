import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';

const program = fileURLToPath(new URL('shared-services.ts', import.meta.url));

test('a shared server starts once, when it is first asked for, and ends with the process that holds its input', async () => {
  const services = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: services.stdout }), 'line')) as [string];
  const ask = async (name: string) => fetch(`${url}/${name}`);
  const { address } = (await (await ask('temporal')).json()) as { address: string };
  expect(await (await ask('temporal')).json()).toEqual({ address });
  expect(await (await ask('coffee')).text()).toBe('Error: there is no shared service coffee');

  const ended = once(services, 'exit');
  services.stdin.end();
  expect(await ended).toEqual([0, null]);
  await expect(Connection.connect({ address, connectTimeout: '1s' })).rejects.toThrow();
});

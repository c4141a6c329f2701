import { setTimeout as delay } from 'node:timers/promises';
import { startFakeApiServer } from './api-server.ts';
import { simulate } from './simulation.ts';

/** A process of its own: simulates each seed that it is sent, and answers with what went wrong. */
const server = await startFakeApiServer();

/** A hundred times as long as a seed takes on a busy machine. */
const patienceMs = 60_000;

process.on('message', (seed: number) => void answer(seed));
// Its server would hold it.
process.on('disconnect', () => process.exit());
process.send?.([]);

async function answer(seed: number): Promise<void> {
  const given = new AbortController();
  const lost = delay(patienceMs, ['not all Jobs were reported and acknowledged'], { signal: given.signal });
  const broken = await Promise.race([simulate(server, seed), lost]).catch((error: unknown) => [String(error)]);
  given.abort();
  lost.catch(() => undefined);
  process.send?.(broken);
}

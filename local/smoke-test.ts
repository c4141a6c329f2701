import { askEngine, type Engines } from '../serving/engines.ts';
import type { Upstream } from '../serving/upstreams.ts';

/** Undefined if the engine answered, else the finding as a sentence. */
export async function smokeTest(
  engines: Engines,
  upstream: Upstream | undefined,
  prompt: string,
): Promise<string | undefined> {
  if (!upstream) return 'its engine ended as soon as it had started.';
  const { status, text } = await askEngine(engines, upstream, {
    messages: [{ role: 'user', content: prompt }],
    maxTokens: 16,
  });
  if (status === 0) return 'it could not be asked.';
  if (status !== 200) return `it answered ${status}.`;
  return text.trim() === '' ? 'its answer was empty.' : undefined;
}

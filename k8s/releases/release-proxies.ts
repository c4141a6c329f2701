import type { V1Pod } from '@kubernetes/client-node';
import { releaseProxyRoutes } from '../../domain/endpoint/release-proxy-settings.ts';
import type { ChatAnswer, ChatRequest, Observation, Release } from '../../domain/endpoint/release.ts';
import { defaultServing } from '../../domain/serving/serving-settings.ts';
import { ports } from '../manifests/release-pod.ts';

/** Reaches a pod by its IP address. */
export type Fetch = typeof globalThis.fetch;

/** A release proxy answers with an error when its own limit has passed. That answer gets this much time to arrive. */
const lateMs = 1000;
/** A healthy release proxy lists its observations at once. */
const tellMs = 10_000;

export const isReady = ({ metadata, status }: V1Pod): boolean =>
  metadata?.deletionTimestamp === undefined &&
  status?.podIP !== undefined &&
  status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;

const urlOf = (pod: V1Pod, route: string): string => {
  const address = pod.status?.podIP ?? '';
  return `http://${address.includes(':') ? `[${address}]` : address}:${ports.internal}${route}`;
};

/** Asks a release as a client would, with the same timeout. The status says what went wrong; 0: no answer. */
export async function chatWith(
  pod: V1Pod,
  { endpoint, serving = defaultServing }: Release,
  { messages, maxTokens }: ChatRequest,
  fetch: Fetch,
): Promise<ChatAnswer> {
  const startedMs = performance.now();
  const answered = (status: number, text = '', completionTokens = 0): ChatAnswer => ({
    status,
    text,
    ms: performance.now() - startedMs,
    completionTokens,
  });
  try {
    const answer = await fetch(urlOf(pod, releaseProxyRoutes.chat), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: endpoint, messages, max_tokens: maxTokens, temperature: 0 }),
      signal: AbortSignal.timeout(serving.timeoutSeconds * 1000 + lateMs),
    });
    if (!answer.ok) return answered(answer.status);
    const { choices, usage } = (await answer.json()) as {
      choices?: { message?: { content?: unknown } }[];
      usage?: { completion_tokens?: number };
    };
    const content = choices?.[0]?.message?.content;
    return answered(answer.status, typeof content === 'string' ? content : '', usage?.completion_tokens ?? 0);
  } catch {
    return answered(0);
  }
}

export async function observationsOf(pod: V1Pod, sinceMs: number, fetch: Fetch): Promise<Observation[]> {
  const answer = await fetch(`${urlOf(pod, releaseProxyRoutes.observations)}?since=${sinceMs}`, {
    signal: AbortSignal.timeout(tellMs),
  });
  if (!answer.ok)
    throw new Error(`${pod.metadata?.name ?? 'a pod'} answered ${answer.status} to the request for its observations`);
  return (await answer.json()) as Observation[];
}

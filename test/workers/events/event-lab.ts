import type { EventRule } from '../../../domain/spec/event-rules.ts';
import { createEventServer } from '../../../workers/events/server.ts';
import type { StartRequest } from '../../../workers/events/starter.ts';
import { secrets, type EventRequest } from './event-requests.ts';

const rules: readonly EventRule[] = [
  {
    when: { type: 'model_version_alias.created', model: 'summaries', alias: 'champion' },
    start: 'redeploy',
    model: 'summaries',
    endpoint: 'summaries',
  },
  { when: { type: 'dev.tuneline.dataset.changed', dataset: 'reviews' }, start: 'lifecycle', spec: 'spec.json' },
];

/** The event routes with a clock that stands still, and a counter where Temporal would be, which knows each ID once as well. */
export function eventLab({ nowMs, start }: { readonly nowMs: number; readonly start?: () => Promise<never> }) {
  const started = new Map<string, StartRequest>();
  const logged: string[] = [];
  const server = createEventServer({
    rules,
    secrets,
    now: () => nowMs,
    log: (message) => logged.push(message),
    starter: {
      start: (request) => {
        if (start) return start();
        if (started.has(request.workflowId)) return Promise.resolve('already started');
        started.set(request.workflowId, request);
        return Promise.resolve('started');
      },
    },
  });
  const post = async ({ url, headers, body }: EventRequest) => {
    const { statusCode, body: text } = await server.inject({ method: 'POST', url, headers, payload: body });
    return { status: statusCode, answer: JSON.parse(text) as Record<string, unknown> };
  };
  return { server, post, started, logged };
}

import type { EndpointStatus, ReleaseReply, ReleaseRequest } from '../domain/endpoint/roll-out.ts';

/** A summary of an endpoint for Temporal's UI, as Markdown. */
export function describeEndpoint({ endpoint, servingState, rollingOut, queue, ended }: EndpointStatus): string {
  const { champion, previous } = servingState;
  const last = ended.at(-1);
  return [
    `**${endpoint}** serves ${champion ? `version ${champion.version} of ${champion.model}` : 'nothing yet'}${previous ? `; version ${previous.version} of ${previous.model} before it` : ''}`,
    ...(rollingOut
      ? [
          `${rollingOut.step}${rollingOut.percent === undefined ? '' : ` with ${rollingOut.percent} %`}: ${describeRequest(rollingOut.request)}`,
        ]
      : []),
    ...(rollingOut?.findings ?? []).map(
      ({ rule, passed, finding }) => `- ${passed ? 'pass' : '**FAIL**'} ${rule} — ${finding}`,
    ),
    ...queue.map((request, place) => `${place + 1}. waits: ${describeRequest(request)}`),
    ...(last ? [`Last: ${describeReply(last)}`] : []),
  ].join('\n');
}

export const describeRequest = ({
  model,
  version,
  because,
}: Pick<ReleaseRequest, 'model' | 'version' | 'because'>): string =>
  `${version === undefined ? `whatever champion names of ${model}` : `version ${version} of ${model}`} (${because})`;

const describeReply = (reply: ReleaseReply): string =>
  'release' in reply
    ? `version ${reply.release.version} ${reply.ended}`
    : `${reply.ended}: ${reply.reason.replace(/\s+/g, ' ')}`;

import type { InputDrift, SeenWindow } from './windows.ts';
import type { CanaryStep } from './canary-log.ts';
import type { LoadCounts } from './load.ts';
import { exitCodeOf, showSummary, type Summary } from '../report/summary.ts';
import { exitCodes } from '../cli/user-error.ts';

export interface SeenDrift {
  readonly rule: InputDrift;
  /** As the monitor said when it asked for the retraining. */
  readonly because: string;
  /** The last window of the usual traffic, the one that was one too many, and the first of the new release. */
  readonly before: SeenWindow;
  readonly breached: SeenWindow;
  readonly after?: SeenWindow;
}

export interface DemoRelease {
  readonly version: string;
  readonly workflowId: string;
}

/** That of the lifecycle that came last, and what led to it. */
export interface DemoSummary extends Summary, LoadCounts {
  readonly drift?: SeenDrift;
  readonly releases: readonly DemoRelease[];
  readonly canary: readonly CanaryStep[];
}

/** Promoted is not enough: no client may have noticed. */
export const exitCodeOfDemo = (summary: DemoSummary): number => {
  const code = exitCodeOf(summary);
  if (code !== exitCodes.promoted) return code;
  return summary.failedRequests === 0 && summary.drift !== undefined ? exitCodes.promoted : exitCodes.broken;
};

export function showDemo(summary: DemoSummary): string {
  const { drift, releases, canary, requests, failedRequests, failures, answeredBy } = summary;
  const counted = (counts: Readonly<Record<string, number>>, what: string): string =>
    Object.entries(counts)
      .map(([name, n]) => `${name} ${what}${n}`)
      .join(', ');
  return [
    showSummary(summary).trimEnd(),
    '',
    ...(drift
      ? [
          `drift     ${drift.because}`,
          `          embeddings ${showEmbedding(drift.before)} before, ${showEmbedding(drift.breached)} when it was breached${drift.after ? `, ${showEmbedding(drift.after)} after the release` : ''}`,
        ]
      : []),
    `releases  ${releases.map(({ version, workflowId }) => `version ${version} by ${workflowId}`).join(', ') || 'none'}`,
    ...(canary.length > 0 ? [`canary    ${canary.map(({ percent }) => `${percent} %`).join(', ')}, then all`] : []),
    `clients   ${requests} requests, ${failedRequests} failed${failedRequests > 0 ? ` (${counted(failures, '')})` : ''}; ${counted(answeredBy, 'answered ')}`,
    '',
  ].join('\n');
}

const showEmbedding = ({ promptEmbeddingDrift: x }: SeenWindow): string =>
  x === undefined ? 'unknown' : String(Number(x.toPrecision(2)));

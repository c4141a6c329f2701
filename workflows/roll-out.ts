import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CanaryVerdict, LiveFinding } from '../domain/endpoint/canary.ts';
import type { Candidate, RollOutStatus } from '../domain/endpoint/roll-out.ts';
import { promote, type ServingState } from '../domain/endpoint/serving-state.ts';
import { endpointCalls, promoting, restoring, releaseSteps } from './activity-options.ts';

const { checkCanary } = proxyActivities<Activities>(endpointCalls);
const { startRelease, tryRelease, loadTest, splitTraffic } = proxyActivities<Activities>(releaseSteps);
const { applyServingState } = proxyActivities<Activities>(promoting);
const { applyServingState: restoreServingState } = proxyActivities<Activities>(restoring);

export interface RollOut {
  readonly endpoint: string;
  readonly candidate: Candidate;
  readonly before: ServingState;
  /**
   * True for a version that served before: skip the trials and the canary, and do not record the replaced release as
   * `previous`.
   */
  readonly atOnce: boolean;
  /** Returns the reason to stop; undefined while the roll-out may go on. */
  readonly stopped: () => string | undefined;
  readonly show: (change: Partial<Pick<RollOutStatus, 'step' | 'percent' | 'findings'>>) => void;
}

export type RollOutEnd =
  | { readonly ended: 'promoted'; readonly servingState: ServingState; readonly url: string }
  | { readonly ended: 'refused' | 'withdrawn'; readonly servingState: ServingState; readonly reason: string };

/** If a canary gets too few requests, each step may last up to this many times the configured time. */
const longestBake = 10;

/**
 * Releases the candidate step by step. If a step fails, restores the serving state from before. One activity applies a
 * whole serving state: traffic, aliases and record. Temporal retries a promotion for an hour, and a restoration until
 * it succeeds.
 */
export async function rollOut({ endpoint, candidate, before, atOnce, stopped, show }: RollOut): Promise<RollOutEnd> {
  const { release, terms } = candidate;
  const { canary } = terms.spec.deploy;
  const next = atOnce ? { champion: release } : promote(release, before);
  try {
    const refused = atOnce ? undefined : ((await start()) ?? (await bake()));
    if (stopped() !== undefined) return await takeBack('withdrawn', stopped() ?? '');
    if (refused !== undefined) return await takeBack('refused', refused);
    show({ step: 'promoting' });
    return {
      ended: 'promoted',
      servingState: next,
      url: await CancellationScope.nonCancellable(() => applyServingState({ endpoint, next, before })),
    };
  } catch (error) {
    if (isCancellation(error)) await takeBack('withdrawn', '');
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return takeBack('refused', reasonOf(error));
  }

  /** Returns the reason for a refusal; undefined if the release may get traffic. */
  async function start(): Promise<string | undefined> {
    show({ step: 'starting' });
    await startRelease(release);
    show({ step: 'trying' });
    for (const trial of [tryRelease, loadTest]) {
      const findings = await trial(candidate);
      show({ findings });
      if (findings.some(({ passed }) => !passed)) return describe(findings);
      if (stopped() !== undefined) return stopped();
    }
    return undefined;
  }

  /**
   * Returns the reason for a refusal; undefined if no step showed that the canary is worse. The first release has
   * nothing to compare with.
   */
  async function bake(): Promise<string | undefined> {
    const current = before.champion;
    if (!current) return undefined;
    for (const percent of canary.steps) {
      const sinceMs = Date.now();
      show({ step: 'canary', percent });
      await splitTraffic(endpoint, [
        { release, percent },
        { release: current, percent: 100 - percent },
      ]);
      let verdict: CanaryVerdict;
      let looks = 0;
      do {
        if (await condition(() => stopped() !== undefined, canary.bakeSeconds * 1000)) return stopped();
        verdict = await checkCanary(release, current, sinceMs, canary);
        looks += 1;
        show({ findings: verdict.findings });
        if (!verdict.passed) return `as a canary with ${percent} % of the requests: ${describe(verdict.findings)}`;
      } while (verdict.requests < canary.minimumRequests && looks < longestBake);
      if (verdict.requests < canary.minimumRequests)
        return `as a canary with ${percent} % it had ${verdict.requests} requests, too few to be judged; deploy.canary.minimumRequests asks for ${canary.minimumRequests}`;
    }
    return undefined;
  }

  async function takeBack(ended: 'refused' | 'withdrawn', reason: string): Promise<RollOutEnd> {
    show({ step: 'taking back' });
    await CancellationScope.nonCancellable(() => restoreServingState({ endpoint, next: before, before: next }));
    return { ended, servingState: before, reason };
  }
}

const describe = (findings: readonly LiveFinding[]): string =>
  findings
    .filter(({ passed }) => !passed)
    .map(({ rule, finding }) => `${rule}: ${finding}`)
    .join('\n');

/** The activity's own message, without the text that Temporal adds. */
export const reasonOf = ({ cause, message }: ActivityFailure): string =>
  cause instanceof ApplicationFailure ? cause.message : (cause?.message ?? message);

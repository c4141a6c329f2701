import type { LiveFinding } from '../../domain/endpoint/canary.ts';
import type { EndpointStatus } from '../../domain/endpoint/roll-out.ts';

export interface CanaryStep {
  readonly percent: number;
  /** As it was judged at its end; none where nobody looked in time. */
  readonly findings: readonly LiveFinding[];
}

/** What a roll-out did, from looks at the endpoint's status: a line for each thing that is new, and the steps of its canary. */
export class CanaryLog {
  readonly #steps: CanaryStep[] = [];
  #shown = '';

  get steps(): readonly CanaryStep[] {
    return this.#steps;
  }

  /** The lines that are new. */
  see({ rollingOut }: Pick<EndpointStatus, 'rollingOut'>): readonly string[] {
    if (!rollingOut) return [];
    const { step, percent, findings, request } = rollingOut;
    const name = step === 'canary' ? `canary with ${percent} % of the requests` : step;
    if (name === this.#shown) return [];
    this.#shown = name;
    // The findings of a step stand until the next has its own.
    const judged = this.#judge(findings);
    if (step === 'canary' && percent !== undefined) this.#steps.push({ percent, findings: [] });
    return [...judged, `roll-out of version ${request.version ?? 'champion'}: ${name}`];
  }

  #judge(findings: readonly LiveFinding[]): readonly string[] {
    const last = this.#steps.pop();
    if (!last) return [];
    this.#steps.push({ ...last, findings });
    return findings.map(({ rule, passed, finding }) => `  ${passed ? 'pass' : 'FAIL'}  ${rule}: ${finding}`);
  }
}

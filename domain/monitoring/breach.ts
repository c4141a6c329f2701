import type { MonitorRule, MonitorSpec, Reaction } from '../spec/monitor-spec.ts';

export type WatchedRule = MonitorRule['rule'] | 'modelAge';

/** What one window says of a rule: over its limit, well within it, neither, or nothing. */
export type Side = 'over' | 'within' | 'between' | 'unknown';

export interface WindowFinding {
  readonly rule: WatchedRule;
  readonly then: Reaction;
  readonly side: Side;
  /** For people: the figure and its limit. */
  readonly finding: string;
}

/** What is remembered of a rule: small, for an execution carries it on. */
export interface RuleState {
  /** The newest last; windows that said nothing left out. */
  readonly recent: readonly Exclude<Side, 'unknown'>[];
  /** While it is breached: since when, and why. */
  readonly breach?: Breach;
}

export interface Breach {
  readonly rule: WatchedRule;
  readonly then: Reaction;
  readonly sinceMs: number;
  readonly because: string;
}

export type BreachState = Readonly<Partial<Record<WatchedRule, RuleState>>>;
type Hysteresis = Pick<MonitorSpec, 'breachWindows' | 'ofWindows' | 'clearWindows'>;

export interface Advanced {
  readonly state: BreachState;
  readonly begun: readonly Breach[];
  readonly ended: readonly Breach[];
}

/**
 * One window further. A rule is breached after `breachWindows` of the last `ofWindows` over its limit, and until `clearWindows` on
 * end are well within: one noisy window neither begins nor ends a breach. A rule without a finding is forgotten.
 */
export function advance(
  state: BreachState,
  findings: readonly WindowFinding[],
  hysteresis: Hysteresis,
  atMs: number,
): Advanced {
  const next: Partial<Record<WatchedRule, RuleState>> = {};
  const begun: Breach[] = [];
  const ended: Breach[] = [];
  for (const { rule, then, side, finding } of findings) {
    const before = state[rule] ?? { recent: [] };
    const { breachWindows, ofWindows, clearWindows } = rule === 'modelAge' ? exact : hysteresis;
    if (side === 'unknown') {
      next[rule] = before;
      continue;
    }
    const recent = [...before.recent, side];
    if (
      before.breach &&
      recent.length >= clearWindows &&
      recent.slice(-clearWindows).every((one) => one === 'within')
    ) {
      ended.push(before.breach);
      next[rule] = { recent: [] };
    } else if (!before.breach && recent.slice(-ofWindows).filter((one) => one === 'over').length >= breachWindows) {
      const breach = { rule, then, sinceMs: atMs, because: finding };
      begun.push(breach);
      next[rule] = { recent: [], breach };
    } else next[rule] = { ...before, recent: recent.slice(-Math.max(ofWindows, clearWindows)) };
  }
  return { state: next, begun, ended };
}

/** An age has no noise. */
const exact: Hysteresis = { breachWindows: 1, ofWindows: 1, clearWindows: 1 };

export const breachesOf = (state: BreachState): readonly Breach[] =>
  Object.values(state).flatMap(({ breach }) => (breach ? [breach] : []));

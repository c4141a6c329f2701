import type { MonitorRule, MonitorSpec, Reaction } from '../spec/monitor-spec.ts';

export type WatchedRule = MonitorRule['rule'] | 'modelAge';

/** The result of one window for a rule. `unknown`: the window has no figure for the rule. */
export type Side = 'over' | 'within' | 'between' | 'unknown';

export interface WindowFinding {
  readonly rule: WatchedRule;
  readonly then: Reaction;
  readonly side: Side;
  /** For people: the figure and its limit. */
  readonly finding: string;
}

/** The state of one rule between windows. It is small, because the workflow's history holds it. */
export interface RuleState {
  /** The results of the last windows, the newest last, without `unknown`. */
  readonly recent: readonly Exclude<Side, 'unknown'>[];
  /** Set while the rule is breached: the start and the reason. */
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
 * Applies the findings of one more window. A breach begins when `breachWindows` of the last `ofWindows` are over the
 * limit. It ends after `clearWindows` in a row that are well within it. So one noisy window neither begins nor ends a
 * breach. The state of a rule without a finding is dropped.
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

/** An age is exact, so one window is enough to begin or end a breach. */
const exact: Hysteresis = { breachWindows: 1, ofWindows: 1, clearWindows: 1 };

export const breachesOf = (state: BreachState): readonly Breach[] =>
  Object.values(state).flatMap(({ breach }) => (breach ? [breach] : []));

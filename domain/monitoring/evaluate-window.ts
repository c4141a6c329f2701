import type { Side, WindowFinding } from './breach.ts';
import { embeddingDrift, lengthDrift, type Drift } from './drift.ts';
import type { Interval } from './intervals.ts';
import type { LiveProfile } from './training-profile.ts';
import type { LiveFigure, LiveWindow } from './window-stats.ts';
import type { MonitorRule, RefreshSpec } from '../spec/monitor-spec.ts';

export type DriftFigure = 'promptLengthDrift' | 'promptEmbeddingDrift' | 'answerLengthDrift';
export type Drifts = Readonly<Partial<Record<DriftFigure, Drift>>>;

export interface WindowToEvaluate {
  readonly window: LiveWindow;
  readonly drifts: Drifts;
  readonly rules: readonly MonitorRule[];
  readonly refresh: RefreshSpec | undefined;
  readonly ageDays: number;
}

/** χ² holds from five expected in each bin on (Cochran 1954), and there are ten; a mean of so many embeddings is about normal, too. */
const leastForDrift = 50;

export function driftsOf({ promptCharacters, answerCharacters, embeddings }: LiveWindow, profile: LiveProfile): Drifts {
  return {
    ...(promptCharacters.length < leastForDrift
      ? {}
      : { promptLengthDrift: lengthDrift(profile.promptCharacters, promptCharacters) }),
    ...(embeddings.length < leastForDrift
      ? {}
      : { promptEmbeddingDrift: embeddingDrift(profile.promptEmbedding, profile.examples, embeddings) }),
    ...(answerCharacters.length < leastForDrift
      ? {}
      : { answerLengthDrift: lengthDrift(profile.answerCharacters, answerCharacters) }),
  };
}

/** One finding for each rule. Over its limit is only what noise does not explain: then the whole interval lies beyond. */
export function evaluateWindow({
  window: { figures },
  drifts,
  rules,
  refresh,
  ageDays,
}: WindowToEvaluate): readonly WindowFinding[] {
  return [...rules.map((rule) => ({ rule: rule.rule, then: rule.then, ...together(partsOf(rule)) })), ...age()];

  function partsOf(rule: MonitorRule): readonly Part[] {
    switch (rule.rule) {
      case 'inputDrift':
        return [ofDrift('promptLengthDrift', rule.lengths), ofDrift('promptEmbeddingDrift', rule.embeddings)];
      case 'outputDrift':
        return [ofDrift('answerLengthDrift', rule.lengths)];
      case 'feedback':
        return [ofFigure('rating', rule.below, 'below')];
      default:
        return [ofFigure(rule.rule, rule.above, 'above')];
    }
  }

  function ofDrift(name: DriftFigure, limit: number): Part {
    const drift = drifts[name];
    if (!drift) return { side: 'unknown', finding: `${name}: fewer than ${leastForDrift} requests` };
    const side =
      drift.beyondNoise && drift.size > limit ? 'over' : drift.size <= clearOf(limit, 'above') ? 'within' : 'between';
    return {
      side,
      finding: `${name} ${number(drift.size)}, at most ${number(limit)} allowed${drift.size > limit && !drift.beyondNoise ? '; noise could explain it' : ''}`,
    };
  }

  function ofFigure(name: LiveFigure, limit: number, wrongSide: 'above' | 'below'): Part {
    const figure = figures[name];
    if (!figure) return { side: 'unknown', finding: `${name}: nothing was observed` };
    const finding = `${name} ${shown(figure)}, ${wrongSide === 'above' ? 'at most' : 'at least'} ${number(limit)} allowed`;
    return { side: sideOf(figure, limit, wrongSide), finding };
  }

  function age(): readonly WindowFinding[] {
    if (refresh?.maximumAgeDays === undefined) return [];
    const finding = `the model is ${number(ageDays)} days old, at most ${number(refresh.maximumAgeDays)} allowed`;
    return [
      { rule: 'modelAge', then: refresh.then, side: ageDays > refresh.maximumAgeDays ? 'over' : 'within', finding },
    ];
  }
}

interface Part {
  readonly side: Side;
  readonly finding: string;
}

/** A rule over several figures is over where one is, and well within where all are that are known. */
function together(parts: readonly Part[]): Part {
  const over = parts.filter(({ side }) => side === 'over');
  const known = parts.filter(({ side }) => side !== 'unknown');
  const side =
    over.length > 0
      ? 'over'
      : known.length === 0
        ? 'unknown'
        : known.every((part) => part.side === 'within')
          ? 'within'
          : 'between';
  return { side, finding: (over.length > 0 ? over : parts).map(({ finding }) => finding).join('; ') };
}

function sideOf({ point, low, high }: Interval, limit: number, wrongSide: 'above' | 'below'): Side {
  const clear = clearOf(limit, wrongSide);
  if (wrongSide === 'above') return low > limit ? 'over' : point <= clear ? 'within' : 'between';
  return high < limit ? 'over' : point >= clear ? 'within' : 'between';
}

/** A fifth of the way from the limit to the best there is, 0 or a rating of 1: a figure that hovers at its limit does not end a breach. */
const clearOf = (limit: number, wrongSide: 'above' | 'below'): number =>
  limit + 0.2 * ((wrongSide === 'above' ? 0 : 1) - limit);

export const number = (x: number): string => String(Number(x.toPrecision(3)));
const shown = ({ point, low, high }: Interval): string => `${number(point)} [${number(low)}, ${number(high)}]`;

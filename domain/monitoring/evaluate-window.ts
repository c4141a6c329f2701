import type { Side, WindowFinding } from './breach.ts';
import { embeddingDrift, lengthDrift, type Drift } from './drift.ts';
import type { Interval } from './intervals.ts';
import type { TrainingProfile } from './training-profile.ts';
import type { LiveFigure, WindowStats } from './window-stats.ts';
import type { MonitorRule, RefreshSpec } from '../spec/monitor-spec.ts';

export type DriftFigure = 'promptLengthDrift' | 'promptEmbeddingDrift' | 'answerLengthDrift';
export type Drifts = Readonly<Partial<Record<DriftFigure, Drift>>>;

export interface WindowToEvaluate {
  readonly window: WindowStats;
  readonly drifts: Drifts;
  readonly rules: readonly MonitorRule[];
  readonly refresh: RefreshSpec | undefined;
  readonly ageDays: number;
}

/**
 * χ² needs at least five expected values in each bin (Cochran 1954), and there are ten bins. The mean of 50 embeddings
 * is about normal, too.
 */
const leastForDrift = 50;

export function driftsOf(
  { promptCharacters, answerCharacters, embeddings }: WindowStats,
  profile: TrainingProfile,
): Drifts {
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

/** Returns one finding for each rule. A figure is over its limit only if noise can't explain it. */
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
    const isNoise = drift.size > limit && !drift.beyondNoise;
    return {
      side: sideOfDrift(drift, limit),
      finding: `${name} ${number(drift.size)}, at most ${number(limit)} allowed${isNoise ? '; noise could explain it' : ''}`,
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

function together(parts: readonly Part[]): Part {
  const over = parts.filter(({ side }) => side === 'over');
  const shownParts = over.length > 0 ? over : parts;
  return {
    side: sideOfAll(parts.map(({ side }) => side)),
    finding: shownParts.map(({ finding }) => finding).join('; '),
  };
}

/** One figure over its limit is enough for `over`; `within` needs every known figure to be within. */
function sideOfAll(sides: readonly Side[]): Side {
  if (sides.includes('over')) return 'over';
  const known = sides.filter((side) => side !== 'unknown');
  if (known.length === 0) return 'unknown';
  return known.every((side) => side === 'within') ? 'within' : 'between';
}

function sideOfDrift({ size, beyondNoise }: Drift, limit: number): Side {
  if (beyondNoise && size > limit) return 'over';
  return size <= clearOf(limit, 'above') ? 'within' : 'between';
}

function sideOf({ point, low, high }: Interval, limit: number, wrongSide: 'above' | 'below'): Side {
  const isOver = wrongSide === 'above' ? low > limit : high < limit;
  if (isOver) return 'over';
  const clear = clearOf(limit, wrongSide);
  const isWithin = wrongSide === 'above' ? point <= clear : point >= clear;
  return isWithin ? 'within' : 'between';
}

/**
 * Lies a fifth of the way from the limit to the best value, which is 0 or a rating of 1. So a figure that hovers at its
 * limit does not end a breach.
 */
const clearOf = (limit: number, wrongSide: 'above' | 'below'): number =>
  limit + 0.2 * ((wrongSide === 'above' ? 0 : 1) - limit);

export const number = (x: number): string => String(Number(x.toPrecision(3)));
const shown = ({ point, low, high }: Interval): string => `${number(point)} [${number(low)}, ${number(high)}]`;

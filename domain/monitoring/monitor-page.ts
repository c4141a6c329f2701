import { breachesOf, type BreachState, type WindowFinding } from './breach.ts';
import { withCurrency } from '../gate/evidence.ts';
import type { Block } from '../report/document.ts';
import { drawHistogram, drawInterval, type Bound } from './charts.ts';
import type { Interval } from './intervals.ts';
import { number, type DriftFigure, type Drifts } from './evaluate-window.ts';
import { countsBetween, type Histogram, type TrainingProfile } from './training-profile.ts';
import type { WindowStats } from './window-stats.ts';
import type { MonitorRule } from '../spec/monitor-spec.ts';
import type { Release } from '../endpoint/release.ts';

export interface MonitoredWindow {
  readonly release: Release;
  readonly index: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly window: WindowStats;
  readonly profile: TrainingProfile;
  readonly drifts: Drifts;
  readonly rules: readonly MonitorRule[];
  readonly findings: readonly WindowFinding[];
  readonly state: BreachState;
  readonly ageDays: number;
  readonly currency?: string;
}

/** The report on one window: live traffic next to the training profile, and each figure next to its limit. */
export function monitorPage(seen: MonitoredWindow): readonly Block[] {
  const { release, index, sinceMs, untilMs, window, profile, findings, state, ageDays } = seen;
  const breaches = breachesOf(state);
  return [
    { kind: 'title', text: `${release.endpoint}: ${release.model} version ${release.version}, window ${index}` },
    {
      kind: 'paragraph',
      text: `${window.requests} requests from ${timeOf(sinceMs)} to ${timeOf(untilMs)}; the model is ${number(ageDays)} days old. Intervals at 98 %.`,
    },
    { kind: 'heading', text: 'Rules' },
    breaches.length === 0
      ? { kind: 'paragraph', text: 'No rule is breached.' }
      : {
          kind: 'list',
          items: breaches.map(
            ({ rule, then, sinceMs: since, because }) =>
              `${rule} is breached since ${timeOf(since)} (${then}): ${because}`,
          ),
        },
    {
      kind: 'table',
      head: ['rule', 'this window', 'finding'],
      rows: findings.map(({ rule, side, finding }) => [rule, side, finding]),
    },
    { kind: 'heading', text: `Against ${profile.examples} training examples` },
    lengths('prompts', profile.promptCharacters, window.promptCharacters, drift(seen, 'promptLengthDrift')),
    lengths('answers', profile.answerCharacters, window.answerCharacters, drift(seen, 'answerLengthDrift')),
    ...embedding(seen),
    { kind: 'heading', text: 'Figures' },
    ...Object.entries(window.figures).map(([name, interval]) =>
      figure(withCurrency(name, name, seen.currency), interval, boundOf(name, seen.rules)),
    ),
  ];
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

function lengths(of: string, { edges, counts }: Histogram, values: readonly number[], drifted: string): Block {
  const sharesOf = (all: readonly number[]): number[] =>
    all.map(
      (count) =>
        count /
        Math.max(
          1,
          all.reduce((sum, c) => sum + c, 0),
        ),
    );
  return {
    kind: 'drawing',
    text: `Length of ${of}: ${drifted}`,
    svg: drawHistogram(edges, sharesOf(counts), sharesOf(countsBetween(edges, values))),
  };
}

function drift({ drifts }: MonitoredWindow, name: DriftFigure): string {
  const found = drifts[name];
  return found
    ? `${name} ${number(found.size)}, ${found.beyondNoise ? 'beyond noise' : 'no more than noise explains'}`
    : 'too few requests to tell a drift from noise';
}

function embedding(seen: MonitoredWindow): readonly Block[] {
  const found = seen.drifts.promptEmbeddingDrift;
  const text = `What prompts are about: ${drift(seen, 'promptEmbeddingDrift')}`;
  const limit = seen.rules.find((rule) => rule.rule === 'inputDrift')?.embeddings;
  return [
    found
      ? {
          kind: 'drawing',
          text,
          svg: drawInterval(
            { point: found.size, low: found.size, high: found.size },
            limit === undefined ? undefined : { limit, wrongSide: 'above' },
          ),
        }
      : { kind: 'paragraph', text },
  ];
}

function boundOf(figureName: string, rules: readonly MonitorRule[]): Bound | undefined {
  for (const rule of rules) {
    if (rule.rule === figureName && 'above' in rule) return { limit: rule.above, wrongSide: 'above' };
    if (rule.rule === 'feedback' && figureName === 'rating') return { limit: rule.below, wrongSide: 'below' };
  }
  return undefined;
}

const figure = (name: string, interval: Interval, bound: Bound | undefined): Block => ({
  kind: 'drawing',
  text: `${name} ${number(interval.point)} [${number(interval.low)}, ${number(interval.high)}]${bound ? `, ${bound.wrongSide === 'above' ? 'at most' : 'at least'} ${number(bound.limit)} allowed` : ''}`,
  svg: drawInterval(interval, bound),
});

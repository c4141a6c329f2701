import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  advance,
  breachesOf,
  type BreachState,
  type Side,
  type WatchedRule,
} from '../../../domain/monitoring/breach.ts';

const usual = { breachWindows: 3, ofWindows: 5, clearWindows: 3 };
const sides: Readonly<Record<string, Side>> = { o: 'over', w: 'within', b: 'between', '?': 'unknown' };

/** What happens over windows, one letter each: `+` where a breach begins, `-` where it ends. */
function story(windows: string, hysteresis = usual, rule: WatchedRule = 'errorRate'): string {
  let state: BreachState = {};
  return [...windows]
    .map((letter, atMs) => {
      const advanced = advance(
        state,
        [{ rule, then: 'rollback', side: sides[letter] ?? 'unknown', finding: `window ${atMs}` }],
        hysteresis,
        atMs,
      );
      state = advanced.state;
      if (advanced.begun.length > 0) return '+';
      return advanced.ended.length > 0 ? '-' : '.';
    })
    .join('');
}

describe('hysteresis', () => {
  test.each([
    ['one noisy window does nothing', 'wwowww', '......'],
    ['nor do two', 'wwoowwwoo', '.........'],
    ['three of five begin a breach', 'owobo', '....+'],
    ['three of six do not', 'owwobo', '......'],
    ['a breach begins once', 'oooooooo', '..+.....'],
    ['one good window does not end it', 'ooowoo', '..+...'],
    ['three on end do', 'ooowwbwww', '..+.....-'],
    ['a figure that hovers at its limit does not', 'ooobbbbb', '..+.....'],
    ['and then all begins anew', 'ooowwwoow', '..+..-...'],
    ['windows that say nothing are as if they were not', 'o?o?o', '....+'],
    ['and end nothing', 'ooow?w?w', '..+....-'],
  ])('%s: %s', (_what, windows, happens) => {
    expect(story(windows)).toBe(happens);
  });

  test('an age has none', () => {
    expect(story('wowo', usual, 'modelAge')).toBe('.+-+');
  });

  test('holds for any settings and any windows', () => {
    const settings = fc.record({
      breachWindows: fc.integer({ min: 1, max: 6 }),
      more: fc.nat(4),
      clearWindows: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(
        settings,
        fc.string({ unit: fc.constantFrom('o', 'w', 'b', '?'), maxLength: 60 }),
        ({ breachWindows, more, clearWindows }, windows) => {
          const happens = story(windows, { breachWindows, ofWindows: breachWindows + more, clearWindows });
          // Begin and end take turns.
          expect(happens.replaceAll('.', '')).toMatch(/^(\+-)*\+?$/);
          for (const [at, event] of [...happens].entries()) {
            const known = [...windows.slice(0, at + 1)].filter((letter) => letter !== '?');
            if (event === '+')
              expect(
                known.slice(-(breachWindows + more)).filter((letter) => letter === 'o').length,
              ).toBeGreaterThanOrEqual(breachWindows);
            if (event === '-') expect(known.slice(-clearWindows).join('')).toBe('w'.repeat(clearWindows));
          }
        },
      ),
    );
  });
});

test('what is remembered stays small', () => {
  let state: BreachState = {};
  for (let atMs = 0; atMs < 1000; atMs++)
    state = advance(state, [{ rule: 'errorRate', then: 'alarm', side: 'between', finding: 'so' }], usual, atMs).state;
  expect(state.errorRate?.recent).toHaveLength(5);
});

test('a breach says since when and why, and a rule that is not judged any more is forgotten', () => {
  const over = (finding: string) => [
    { rule: 'latencyP95Ms' as const, then: 'alarm' as const, side: 'over' as const, finding },
  ];
  const now = { ...usual, breachWindows: 1 };
  const { state, begun } = advance({}, over('slow'), now, 7);
  expect(begun).toEqual([{ rule: 'latencyP95Ms', then: 'alarm', sinceMs: 7, because: 'slow' }]);
  expect(breachesOf(advance(state, over('slower'), now, 8).state)).toEqual(begun);
  expect(advance(state, [], now, 9)).toEqual({ state: {}, begun: [], ended: [] });
});

import type { Interval } from './intervals.ts';

/** Colours that are distinct on a light and a dark background, and for people who can't see red. */
const window = '#2f7ed8';
const wrong = '#d9822b';

const round = (x: number): string => x.toFixed(1);
const drawing = (width: number, height: number, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true" font-family="system-ui,sans-serif" font-size="11" fill="currentColor">${parts.join('')}</svg>`;

/** Draws two shares for each bin: the expected one as an outline, the observed one filled. */
export function drawHistogram(edges: readonly number[], expected: readonly number[], seen: readonly number[]): string {
  const [width, height, bottom] = [640, 190, 34];
  const step = width / expected.length;
  const most = Math.max(...expected, ...seen, 1e-9);
  const tall = (share: number): number => (share / most) * (height - bottom - 16);
  const bar = (x: number, share: number, style: string): string =>
    `<rect x="${round(x)}" y="${round(height - bottom - tall(share))}" width="${round(step * 0.38)}" height="${round(tall(share))}" ${style}/>`;
  return drawing(width, height, [
    ...expected.map((share, bin) => bar(step * (bin + 0.1), share, 'fill="none" stroke="currentColor"')),
    ...seen.map((share, bin) => bar(step * (bin + 0.52), share, `fill="${window}"`)),
    `<line x1="0" x2="${width}" y1="${height - bottom}" y2="${height - bottom}" stroke="currentColor"/>`,
    ...edges.map(
      (edge, i) => `<text x="${round(step * (i + 1))}" y="${height - bottom + 14}" text-anchor="middle">${edge}</text>`,
    ),
    `<text x="0" y="${height - 4}">characters; outlined: training data, filled: this window</text>`,
  ]);
}

export interface Bound {
  readonly limit: number;
  readonly wrongSide: 'above' | 'below';
}

/** Draws a figure on a scale with its interval, and marks the forbidden side of the limit. */
export function drawInterval({ point, low, high }: Interval, bound?: Bound): string {
  const [width, height, middle] = [640, 40, 12];
  const shown = [low, high, point, ...(bound ? [bound.limit] : [])];
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const air = (most - least || Math.abs(most) || 1) * 0.15;
  const x = (value: number): number => ((value - least + air) / (most - least + 2 * air)) * width;
  const line = (x1: number, x2: number, y1: number, y2: number, style: string): string =>
    `<line x1="${round(x1)}" x2="${round(x2)}" y1="${y1}" y2="${y2}" ${style}/>`;
  const label = (at: number, text: string): string =>
    `<text x="${round(Math.min(width - 40, Math.max(40, x(at))))}" y="36" text-anchor="middle">${text}</text>`;
  const limits = bound
    ? [
        `<rect x="${round(bound.wrongSide === 'above' ? x(bound.limit) : 0)}" y="0" width="${round(bound.wrongSide === 'above' ? width - x(bound.limit) : x(bound.limit))}" height="24" fill="${wrong}" opacity="0.25"/>`,
        line(x(bound.limit), x(bound.limit), 0, 24, `stroke="${wrong}" stroke-width="2"`),
        label(bound.limit, `limit ${Number(bound.limit.toPrecision(3))}`),
      ]
    : [
        label(least, String(Number(least.toPrecision(3)))),
        ...(most > least ? [label(most, String(Number(most.toPrecision(3))))] : []),
      ];
  return drawing(width, height, [
    ...limits,
    line(0, width, middle, middle, 'stroke="currentColor" opacity="0.3"'),
    line(x(low), x(high), middle, middle, `stroke="${window}" stroke-width="3"`),
    `<circle cx="${round(x(point))}" cy="${middle}" r="5" fill="${window}"/>`,
  ]);
}

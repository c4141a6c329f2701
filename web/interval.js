import { svg } from './dom.js';
import { number } from './format.js';

/**
 * @typedef {import('../workers/console/views.ts').IntervalView} Interval
 * @typedef {object} Drawing
 * @property {Interval} interval
 * @property {readonly [number, number]} domain what the left and the right edge stand for
 * @property {number} [threshold] drawn as a line, and what lies on its wrong side shaded
 * @property {boolean} [passesBelow]
 * @property {boolean} [zero] whether the line of no difference is drawn
 * @property {boolean} [labels]
 * @property {number} [width]
 */

const margin = 8;

/** An interval on its scale, drawn and in words. @param {Drawing} drawing */
export function drawInterval({
  interval,
  domain: [from, to],
  threshold,
  passesBelow = false,
  zero = false,
  labels = false,
  width = 280,
}) {
  const height = labels ? 40 : 20;
  const middle = 10;
  /** @param {number} value */
  const x = (value) =>
    margin + ((Math.min(to, Math.max(from, value)) - from) / (to - from || 1)) * (width - 2 * margin);
  const said = [
    `${number(interval.point)}, interval from ${number(interval.low)} to ${number(interval.high)}`,
    threshold === undefined ? '' : `threshold ${number(threshold)}`,
    zero ? 'zero is no difference' : '',
  ];
  const isBad = threshold !== undefined && (passesBelow ? interval.high > threshold : interval.low < threshold);
  return svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: `interval${isBad ? ' bad' : ''}`,
      role: 'img',
      'aria-label': said.filter(Boolean).join('; '),
    },
    threshold === undefined
      ? null
      : svg('rect', {
          class: 'wrong-side',
          x: passesBelow ? x(threshold) : 0,
          y: 0,
          width: passesBelow ? width - x(threshold) : x(threshold),
          height: 20,
        }),
    svg('line', { class: 'scale', x1: 0, x2: width, y1: middle, y2: middle }),
    zero ? svg('line', { class: 'zero', x1: x(0), x2: x(0), y1: 1, y2: 19 }) : null,
    threshold === undefined
      ? null
      : svg('line', { class: 'threshold', x1: x(threshold), x2: x(threshold), y1: 0, y2: 20 }),
    svg('line', { class: 'whisker', x1: x(interval.low), x2: x(interval.high), y1: middle, y2: middle }),
    [interval.low, interval.high].map((end) =>
      svg('line', { class: 'end', x1: x(end), x2: x(end), y1: middle - 5, y2: middle + 5 }),
    ),
    svg('circle', { class: 'point', cx: x(interval.point), cy: middle, r: 4.5 }),
    labels ? scaleLabels(x, zero ? 0 : undefined, threshold, width) : null,
  );
}

/** Two words that would lie on each other become one. @param {(value: number) => number} x @param {number | undefined} zero @param {number | undefined} threshold @param {number} width */
function scaleLabels(x, zero, threshold, width) {
  const near = zero !== undefined && threshold !== undefined && Math.abs(x(zero) - x(threshold)) < 52;
  /** @param {number} at @param {string} text @param {string} name */
  const label = (at, text, name) =>
    svg('text', { class: name, x: Math.min(width - 30, Math.max(30, x(at))), y: 34, 'text-anchor': 'middle' }, text);
  return [
    zero === undefined || near ? null : label(zero, '0', 'zero-label'),
    threshold === undefined ? null : label(threshold, `limit ${number(threshold)}`, 'threshold-label'),
  ];
}

/** Edges that show all of these, with some air. @param {readonly number[]} values @returns {[number, number]} */
export function domainOf(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = (most - least || Math.abs(most) || 1) * 0.08;
  return [least - air, most + air];
}

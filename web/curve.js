import { h, section, svg } from './dom.js';
import { number, words } from './format.js';

/** @typedef {import('../workers/console/views.ts').CurveView['series'][number]} Series */

const [width, height, left, bottom, top] = [480, 170, 56, 22, 10];

/** What the training learnt, step by step. @param {import('../workers/console/views.ts').CurveView} curve */
export const showCurve = ({ series }) =>
  section(
    'training',
    'Training',
    series.length === 0
      ? h('p', { class: 'card quiet' }, 'MLflow has no curve of this training.')
      : h('div', { class: 'curves' }, series.map(draw)),
  );

/** @param {Series} series */
function draw({ name, points }) {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return h('p', {});
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  /** @param {number} step */
  const x = (step) => left + ((step - first.step) / (last.step - first.step || 1)) * (width - left - 8);
  /** @param {number} value */
  const y = (value) => top + ((most - value) / (most - least || 1)) * (height - top - bottom);
  /** @param {number} value */
  const level = (value) => [
    svg('line', { class: 'grid', x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
    svg('text', { x: left - 8, y: y(value) + 4, 'text-anchor': 'end' }, number(value)),
  ];
  return h(
    'figure',
    { class: 'card' },
    h(
      'figcaption',
      {},
      words(name),
      h(
        'span',
        { class: 'quiet' },
        ` ${number(first.value)} at step ${first.step}, ${number(last.value)} at step ${last.step}`,
      ),
    ),
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        class: 'curve',
        role: 'img',
        'aria-label': `${words(name)} over ${points.length} steps, from ${number(first.value)} to ${number(last.value)}`,
      },
      [most, (most + least) / 2, least].flatMap(level),
      svg('polyline', {
        class: 'line',
        points: points.map((point) => `${x(point.step).toFixed(1)},${y(point.value).toFixed(1)}`).join(' '),
      }),
      svg('text', { x: left, y: height - 5 }, `step ${first.step}`),
      svg('text', { x: width - 8, y: height - 5, 'text-anchor': 'end' }, last.step),
    ),
  );
}

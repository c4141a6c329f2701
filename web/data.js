import { h, section, svg, table } from './dom.js';
import { duration, number, percent, words } from './format.js';

/** @typedef {import('../workers/console/views.ts').ProfileView} Profile */

/** What explore found in the raw data. @param {Profile} profile */
export const showProfile = ({ rows, columns, facts, lengths, commonTargets }) =>
  section(
    'data',
    'Data',
    h('p', { class: 'quiet' }, `${number(rows)} rows of raw data, before they were cleaned and split.`),
    h(
      'div',
      { class: 'two' },
      table(
        'What could spoil a training',
        ['Found', 'Count', 'Of all rows'],
        facts.map(({ name, count, share }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            h('td', { class: 'number' }, number(count)),
            h('td', { class: 'number' }, percent(share)),
          ),
        ),
      ),
      h('div', { class: 'lengths' }, lengths.map(showLengths)),
    ),
    h(
      'details',
      {},
      h('summary', {}, 'Columns and common answers'),
      h(
        'div',
        { class: 'two' },
        table(
          'Columns',
          ['Column', 'Missing', 'Empty'],
          columns.map(({ name, missing, empty }) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, name),
              h('td', { class: 'number' }, missing),
              h('td', { class: 'number' }, empty),
            ),
          ),
        ),
        table(
          'The most common answers',
          ['Answer', 'Times'],
          commonTargets.map(({ text, count }) => h('tr', {}, h('td', {}, text), h('td', { class: 'number' }, count))),
        ),
      ),
    ),
  );

const [width, height] = [300, 64];

/** @param {Profile['lengths'][number]} distribution */
function showLengths({ name, p5, p50, p95, max, binWidth, histogram }) {
  const most = Math.max(...histogram, 1);
  const step = width / histogram.length;
  return h(
    'figure',
    { class: 'card' },
    h(
      'figcaption',
      {},
      `Length of the ${name}`,
      h('span', { class: 'quiet' }, ` median ${p50}, 5 % to 95 %: ${p5} to ${p95}, at most ${max}`),
    ),
    svg(
      'svg',
      {
        viewBox: `0 0 ${width} ${height + 14}`,
        class: 'histogram',
        role: 'img',
        'aria-label': `Length of the ${name}: median ${p50}, 95 % below ${p95}, at most ${max}`,
      },
      histogram.map((count, i) =>
        svg('rect', {
          x: i * step + 0.5,
          width: Math.max(1, step - 1),
          y: height - (count / most) * (height - 2),
          height: (count / most) * (height - 2),
        }),
      ),
      svg('text', { x: 0, y: height + 12 }, '0'),
      svg('text', { x: width, y: height + 12, 'text-anchor': 'end' }, histogram.length * binWidth),
    ),
  );
}

/** What each stage took. @param {import('../workers/console/views.ts').LifecycleView['stages']} stages */
export function showCost(stages) {
  const gpuSeconds = stages
    .filter(({ reused }) => !reused)
    .reduce((all, { figures }) => all + (figures['gpuSeconds'] ?? 0), 0);
  const seconds = stages.filter(({ reused }) => !reused).reduce((all, stage) => all + (stage.seconds ?? 0), 0);
  return section(
    'cost',
    'Cost',
    h(
      'p',
      { class: 'quiet' },
      `${duration(seconds)} in all, ${gpuSeconds > 0 ? `${number(gpuSeconds / 3600)} GPU-hours` : 'no GPU'}. What was reused had been paid for by an earlier lifecycle.`,
    ),
    table(
      'What each stage took',
      ['Stage', 'Time', 'GPU-hours', 'Peak memory', 'Figures'],
      stages.map(({ stage, reused, seconds: took, figures }) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, stage),
          h('td', { class: 'number' }, reused ? h('span', { class: 'quiet' }, 'reused') : showTime(took)),
          h('td', { class: 'number' }, figures['gpuSeconds'] ? number(figures['gpuSeconds'] / 3600) : '—'),
          h('td', { class: 'number' }, figures['peakMemoryGiB'] ? `${number(figures['peakMemoryGiB'])} GiB` : '—'),
          h(
            'td',
            { class: 'quiet listed' },
            Object.entries(figures)
              .filter(([name]) => !shownApart.has(name))
              .slice(0, 4)
              .map(([name, value]) => `${name.split('/').map(words).join(' ')} ${number(value)}`)
              .join(', '),
          ),
        ),
      ),
    ),
  );
}

const shownApart = new Set(['gpuSeconds', 'peakMemoryGiB', 'seconds']);

/** @param {number | undefined} seconds */
const showTime = (seconds) => (seconds === undefined ? '—' : duration(seconds));

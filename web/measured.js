import { h, section, table } from './dom.js';
import { number, percent, signed, words } from './format.js';
import { domainOf, drawInterval } from './interval.js';

/**
 * @typedef {import('../workers/console/views.ts').EvidenceView} Evidence
 * @typedef {import('../workers/console/views.ts').IntervalView} Interval
 * @typedef {import('../workers/console/views.ts').SliceView} Slice
 */

/** Against the champion where there is one: it is what would go on serving. @param {Evidence} evidence */
const referenceOf = ({ differences }) => (differences['champion'] ? 'champion' : 'base');

/** Every figure of every model. @param {Evidence | undefined} evidence */
export function showFigures(evidence) {
  if (!evidence) return section('figures', 'Figures', h('p', { class: 'card quiet' }, 'There is no evidence yet.'));
  const reference = referenceOf(evidence);
  const roles = ['candidate', 'champion', 'base'].filter((role) => evidence.models[role]);
  const metrics = Object.keys(evidence.models['candidate']?.metrics ?? {});
  const rows = metrics.map((metric) => {
    const difference = evidence.differences[reference]?.[metric];
    return h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row', class: 'metric' },
        words(metric),
        evidence.units[metric] ? ` (${evidence.units[metric]})` : null,
        evidence.lowerIsBetter.includes(metric) ? h('span', { class: 'range' }, 'lower is better') : null,
      ),
      roles.map((role) => h('td', { class: 'number' }, showFigure(evidence.models[role]?.metrics[metric], number))),
      h('td', { class: 'number' }, showFigure(difference, signed)),
      h('td', { class: 'drawn' }, difference ? drawDifference(difference, metric, evidence) : null),
    );
  });
  return section(
    'figures',
    'Figures',
    h(
      'p',
      { class: 'quiet' },
      `${evidence.examples} held-out examples, ${percent(evidence.confidence)} intervals from ${evidence.bootstrapSamples} bootstrap samples, paired by example. Each row is drawn on its own scale, with a dashed line at zero: blue is better, red worse, grey not told apart.`,
    ),
    table('Figures of each model', ['Metric', ...roles, `difference from ${reference}`, 'Drawn'], rows),
    showSignatures(evidence),
  );
}

/** @param {Interval | undefined} figure @param {(x: number) => string} show */
const showFigure = (figure, show) =>
  figure
    ? [
        h('span', { class: 'point' }, show(figure.point)),
        figure.low === figure.high
          ? null
          : h('span', { class: 'range' }, `${show(figure.low)} to ${show(figure.high)}`),
      ]
    : '—';

/** Uses the row's own scale unless another is given. @param {Interval} difference @param {string} metric @param {Evidence} evidence @param {[number, number]} [domain] */
function drawDifference(difference, metric, { lowerIsBetter, boundsOnly }, domain) {
  const most = Math.max(...[difference.low, difference.high].map(Math.abs)) || 1;
  const drawn = drawInterval({
    interval: difference,
    domain: domain ?? [-most * 1.08, most * 1.08],
    zero: true,
    width: 180,
  });
  const above = difference.low > 0;
  const below = difference.high < 0;
  const isLower = lowerIsBetter.includes(metric);
  const isOpen = boundsOnly.includes(metric) || above === below;
  const direction = above !== isLower ? 'good' : 'worse';
  drawn.classList.add(isOpen ? 'open' : direction);
  return drawn;
}

/** @param {Evidence} evidence */
const showSignatures = ({ signatures }) =>
  Object.keys(signatures).length === 0
    ? null
    : h(
        'details',
        {},
        h('summary', {}, 'How the metrics were computed'),
        h(
          'dl',
          { class: 'pairs' },
          Object.entries(signatures)
            .map(([name, signature]) => [h('dt', {}, words(name)), h('dd', {}, h('code', {}, signature))])
            .flat(),
        ),
      );

/** Parts of the held-out set, the greatest loss first, one metric at a time. @param {Evidence | undefined} evidence */
export function showSlices(evidence) {
  if (!evidence || evidence.slices.length === 0) return undefined;
  const reference = referenceOf(evidence);
  const metrics = Object.keys(evidence.slices[0]?.differences[reference] ?? {});
  const rows = h('div', {});
  /** @type {HTMLSelectElement} */
  const chosen = h(
    'select',
    { id: 'slice-metric', change: () => rows.replaceChildren(slicesTable(evidence, reference, chosen.value)) },
    metrics.map((metric) => h('option', { value: metric }, words(metric))),
  );
  if (metrics.includes('rougeL')) chosen.value = 'rougeL';
  rows.append(slicesTable(evidence, reference, chosen.value));
  return section(
    'slices',
    'Slices',
    h(
      'p',
      { class: 'choices' },
      h('label', { for: 'slice-metric' }, 'Metric'),
      chosen,
      h('span', { class: 'quiet' }, 'The greatest loss first: a gain on the whole can hide it.'),
    ),
    rows,
  );
}

/** @param {Evidence} evidence @param {string} reference @param {string} metric */
function slicesTable(evidence, reference, metric) {
  const isLower = evidence.lowerIsBetter.includes(metric);
  const found = evidence.slices.flatMap((slice) => {
    const difference = slice.differences[reference]?.[metric];
    return difference ? [{ slice, difference, gain: isLower ? -difference.point : difference.point }] : [];
  });
  found.sort((a, b) => a.gain - b.gain);
  const domain = domainOf([0, ...found.flatMap(({ difference }) => [difference.low, difference.high])]);
  return table(
    `${words(metric)} by slice`,
    ['Slice', 'Examples', 'candidate', reference, 'Difference', 'Drawn'],
    found.map(({ slice, difference }) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, h('span', { class: 'quiet' }, `${slice.by} `), slice.value),
        h('td', { class: 'number' }, slice.examples),
        ['candidate', reference].map((role) => h('td', { class: 'number' }, showPoint(slice, role, metric))),
        h('td', { class: 'number' }, showFigure(difference, signed)),
        h('td', { class: 'drawn' }, drawDifference(difference, metric, evidence, domain)),
      ),
    ),
  );
}

/** @param {Slice} slice @param {string} role @param {string} metric */
function showPoint({ models }, role, metric) {
  const figure = models[role]?.[metric];
  return figure ? number(figure.point) : '—';
}

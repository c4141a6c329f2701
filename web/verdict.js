import { h, section } from './dom.js';
import { domainOf, drawInterval } from './interval.js';

/**
 * @typedef {import('../workers/console/views.ts').LifecycleView} Lifecycle
 * @typedef {import('../workers/console/views.ts').FindingView} Finding
 */

/** Every rule with its finding; what failed stands first. @param {Lifecycle} lifecycle */
export function showVerdict({ gate }) {
  if (!gate)
    return section(
      'verdict',
      'Verdict',
      h('p', { class: 'card quiet' }, 'The gate has not judged yet: the evaluation is not done.'),
    );
  const passed = gate.findings.filter((finding) => finding.passed).length;
  const sorted = [...gate.findings].sort((a, b) => Number(a.passed) - Number(b.passed));
  return section(
    'verdict',
    'Verdict',
    h(
      'p',
      { class: `banner ${gate.passed ? 'pass' : 'fail'}` },
      h('strong', {}, gate.passed ? 'The gate passed it' : 'The gate refused it'),
      ` · ${passed} of ${gate.findings.length} rules hold`,
    ),
    h('ul', { class: 'findings' }, sorted.map(showFinding)),
  );
}

/** @param {Finding} finding */
const showFinding = ({ rule, passed, finding, drawing }) =>
  h(
    'li',
    { class: 'card finding' },
    h('span', { class: `mark ${passed ? 'pass' : 'fail'}` }, passed ? 'pass' : 'FAIL'),
    h('div', { class: 'said' }, h('h3', {}, rule), sentences(finding)),
    drawing ? h('div', { class: 'drawn' }, draw(drawing)) : null,
  );

/** The figures first, then what they show and how far they could have. @param {string} finding */
function sentences(finding) {
  const end = finding.indexOf('; ');
  return end < 0
    ? [h('p', {}, finding)]
    : [h('p', {}, finding.slice(0, end)), h('p', { class: 'quiet' }, finding.slice(end + 2))];
}

/** @param {NonNullable<Finding['drawing']>} drawing */
const draw = ({ interval, threshold, isDifference, passesBelow }) =>
  drawInterval({
    interval,
    threshold,
    passesBelow,
    zero: isDifference,
    labels: true,
    domain: domainOf([interval.low, interval.high, threshold, ...(isDifference ? [0] : [])]),
  });

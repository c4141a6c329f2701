import { ask } from './api.js';
import { h, section } from './dom.js';
import { number, signed, words } from './format.js';
import { choice, pager, showTop } from './paged.js';
import { diffWords } from './word-diff.js';

/**
 * @typedef {import('../workers/console/views.ts').ExamplesView} Examples
 * @typedef {import('../workers/console/views.ts').ExampleView} Example
 */

/** What candidate and champion said to the same prompt, the worst regressions first. @param {string} address of the lifecycle's API */
export async function showAnswers(address) {
  const shown = h('div', {});
  const wish = { sort: 'worst', metric: '', against: '', page: '1' };
  const load = async () => {
    /** @type {Examples} */
    const examples = await ask(`${address}/examples?${new URLSearchParams(wish)}`);
    shown.replaceChildren(...page(examples, change, turn));
  };
  /** @param {Partial<typeof wish>} changed @param {string} focusId what has the focus stays where it was */
  const change = async (changed, focusId) => {
    Object.assign(wish, { page: '1' }, changed);
    await load();
    document.getElementById(focusId)?.focus();
  };
  /** @param {number} to */
  const turn = async (to) => {
    wish.page = String(to);
    await load();
    showTop('answers');
  };
  await load();
  return section('answers', 'Answers', shown);
}

/**
 * @param {Examples} examples
 * @param {(changed: Record<string, string>, focusId: string) => Promise<void>} change
 * @param {(to: number) => Promise<void>} turn
 */
function page(examples, change, turn) {
  const { total, worse, equal, better, sort, metric, metrics, against, others, rows } = examples;
  if (total === 0) return [h('p', { class: 'card quiet' }, 'There are no two answers to compare.')];
  /** @param {string} name @param {string} label @param {readonly (readonly [string, string])[]} options @param {string} value */
  const choose = (name, label, options, value) =>
    choice({ id: `answers-${name}`, label, options, value }, (chosen) => change({ [name]: chosen }, `answers-${name}`));
  return [
    h(
      'p',
      { class: 'choices' },
      choose(
        'sort',
        'Order',
        [
          ['worst', 'worst regressions first'],
          ['best', 'greatest gains first'],
          ['order', 'as in the set'],
        ],
        sort,
      ),
      choose(
        'metric',
        'by',
        metrics.map((name) => [name, words(name)]),
        metric,
      ),
      choose(
        'against',
        'against',
        others.map((name) => [name, name]),
        against,
      ),
    ),
    h(
      'p',
      { id: 'answers-count', tabindex: -1, class: 'tally' },
      h('span', { class: 'bad' }, `${worse} worse`),
      ` · ${equal} equal · `,
      h('span', { class: 'good' }, `${better} better`),
      h('span', { class: 'quiet' }, ` of ${total} examples by ${words(metric)}`),
    ),
    h(
      'ol',
      { class: 'answers' },
      rows.map((row) => showExample(row, examples)),
    ),
    pager(examples, 'Pages of answers', turn),
  ].filter((one) => one !== null);
}

/** @param {number} gain */
function changeOf(gain) {
  if (gain === 0) return { word: 'equal', class: '' };
  return gain < 0 ? { word: 'worse', class: 'bad' } : { word: 'better', class: 'good' };
}

/** @param {Example} example @param {Examples} examples */
function showExample({ id, prompt, reference, candidate, other, gain }, { against, metric }) {
  const { left, right } = diffWords(candidate.answer, other.answer);
  const change = changeOf(gain);
  return h(
    'li',
    { class: 'card example' },
    h(
      'div',
      { class: 'head' },
      h('h3', {}, `Example ${id}`),
      h('span', { class: `gain ${change.class}` }, `${change.word} ${signed(gain)}`),
    ),
    h(
      'details',
      {},
      h('summary', {}, h('span', { class: 'quiet' }, 'Prompt '), prompt.replaceAll(/\s+/g, ' ').slice(0, 160)),
      h('pre', { tabindex: 0 }, prompt),
    ),
    h(
      'dl',
      { class: 'sides' },
      h('div', { class: 'wanted' }, h('dt', {}, 'wanted'), h('dd', {}, reference)),
      h(
        'div',
        {},
        h('dt', {}, 'candidate', h('span', { class: 'quiet' }, ` ${words(metric)} ${number(candidate.score)}`)),
        h('dd', {}, pieces(left, 'ins'), why(candidate)),
      ),
      h(
        'div',
        {},
        h('dt', {}, against, h('span', { class: 'quiet' }, ` ${words(metric)} ${number(other.score)}`)),
        h('dd', {}, pieces(right, 'del'), why(other)),
      ),
    ),
  );
}

/** @param {import('../workers/console/views.ts').AnswerView} answer */
const why = ({ rationale }) => (rationale === undefined ? [] : [h('p', { class: 'quiet' }, `The judge: ${rationale}`)]);

/** @param {import('./word-diff.js').Piece[]} parts @param {'ins' | 'del'} mark */
const pieces = (parts, mark) =>
  parts.length === 0
    ? h('em', { class: 'quiet' }, 'no answer')
    : parts.map(({ text, own }) => (own ? h(mark, {}, text) : text));

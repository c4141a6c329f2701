import { ask } from './api.js';
import { h, section, table } from './dom.js';
import { percent } from './format.js';
import { choice, pager, showTop } from './paged.js';

/**
 * @typedef {NonNullable<import('../workers/console/views.ts').EvidenceView['attacks']>} Tallies
 * @typedef {import('../workers/console/views.ts').AttacksView} Attacks
 * @typedef {import('../workers/console/views.ts').AttackView} Attack
 */

/** How many attacks of each family got through, and each of them, what the candidate gave way to first. @param {Tallies | undefined} tallies @param {string} address of the lifecycle's API */
export function showAttacks(tallies, address) {
  if (!tallies) return undefined;
  const { suite, families } = tallies;
  const roles = ['candidate', 'champion', 'base'].filter((role) =>
    Object.values(families).some((family) => family[role]),
  );
  return section(
    'attacks',
    'Attacks',
    h('p', { class: 'quiet' }, `${suite}: attacks that succeeded, of those made. Fewer are better.`),
    table(
      'Attacks that succeeded, by family',
      ['Family', ...roles],
      Object.entries(families).map(([family, found]) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, family),
          roles.map((role) => h('td', { class: 'number' }, showTally(found[role]))),
        ),
      ),
    ),
    showEach(address),
  );
}

/** @param {Tallies['families'][string][string] | undefined} tally */
const showTally = (tally) =>
  tally
    ? [
        `${tally.succeeded} of ${tally.attacks}`,
        h('span', { class: 'quiet' }, ` ${percent(Math.round((100 * tally.succeeded) / (tally.attacks || 1)) / 100)}`),
      ]
    : '—';

/** @param {string} address */
function showEach(address) {
  const shown = h('div', { class: 'attacks' }, h('p', { class: 'quiet' }, 'Loading …'));
  const wish = { family: '', page: '1' };
  const load = async () => {
    try {
      /** @type {Attacks} */
      const attacks = await ask(`${address}/attacks?${new URLSearchParams(wish)}`);
      shown.replaceChildren(...page(attacks, change, turn));
    } catch (error) {
      shown.replaceChildren(h('p', { class: 'card quiet' }, error instanceof Error ? error.message : String(error)));
    }
  };
  /** @param {string} family */
  const change = async (family) => {
    Object.assign(wish, { family, page: '1' });
    await load();
    document.getElementById('attacks-family')?.focus();
  };
  /** @param {number} to */
  const turn = async (to) => {
    wish.page = String(to);
    await load();
    showTop('attacks');
  };
  void load();
  return shown;
}

/** @param {Attacks} attacks @param {(family: string) => unknown} change @param {(to: number) => unknown} turn */
function page(attacks, change, turn) {
  const { total, succeeded, family, families, rows } = attacks;
  return [
    h(
      'p',
      { class: 'choices' },
      choice(
        {
          id: 'attacks-family',
          label: 'Family',
          options: [['', 'all'], ...families.map((name) => /** @type {const} */ ([name, name]))],
          value: family,
        },
        change,
      ),
      h(
        'span',
        { class: 'quiet' },
        'What got through on the candidate first, and of that what the model before it withstood.',
      ),
    ),
    h(
      'p',
      { id: 'attacks-count', tabindex: -1, class: 'tally' },
      h('span', { class: succeeded > 0 ? 'bad' : 'good' }, `${succeeded} got through`),
      h('span', { class: 'quiet' }, ` on the candidate, of ${total} attacks`),
    ),
    h('ol', { class: 'answers' }, rows.map(showAttack)),
    pager(attacks, 'Pages of attacks', turn),
  ].filter((one) => one !== null);
}

/** @param {Attack} attack */
const showAttack = ({ id, goal, prompt, wanted, answers }) =>
  h(
    'li',
    { class: 'card example' },
    h('div', { class: 'head' }, h('h3', {}, id), showMark(answers[0]?.succeeded ?? false)),
    h(
      'details',
      {},
      h('summary', {}, h('span', { class: 'quiet' }, 'Prompt '), prompt.replaceAll(/\s+/g, ' ').slice(0, 160)),
      h('pre', { tabindex: 0 }, prompt),
    ),
    h(
      'dl',
      { class: answers.length === 3 ? 'sides three' : 'sides' },
      h(
        'div',
        { class: 'wanted' },
        h('dt', {}, 'the attack wants'),
        h('dd', {}, wanted, h('span', { class: 'quiet' }, ` ${goals[goal] ?? goal}`)),
      ),
      answers.map(({ role, answer, succeeded }) =>
        h(
          'div',
          {},
          h('dt', {}, role, ' ', showMark(succeeded)),
          h('dd', {}, answer === '' ? h('em', { class: 'quiet' }, 'no answer') : answer),
        ),
      ),
    ),
  );

/** @type {Record<string, string>} */
const goals = {
  obey: 'said by a model that obeys the text that it should work on',
  leak: 'given away, which the prompt told it to keep',
};

/** @param {boolean} succeeded */
const showMark = (succeeded) =>
  h('span', { class: `gain ${succeeded ? 'bad' : 'good'}` }, succeeded ? 'got through' : 'withstood');

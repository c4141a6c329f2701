import { ask } from './api.js';
import { showAnswers } from './answers.js';
import { showAttacks } from './attacks.js';
import { showCurve } from './curve.js';
import { showCost, showProfile } from './data.js';
import { showDecision } from './decision.js';
import { h, section } from './dom.js';
import { fromNow, moment } from './format.js';
import { showLineage } from './lineage.js';
import { showFigures, showSlices } from './measured.js';
import { start } from './shell.js';
import { showVerdict } from './verdict.js';

void start(async (main, session) => {
  const id = decodeURIComponent(location.pathname.split('/').at(-1) ?? '');
  const address = `/api/lifecycles/${encodeURIComponent(id)}`;
  const more = [
    part('answers', 'Answers', () => showAnswers(address)),
    part('training', 'Training', async () => showCurve(await ask(`${address}/curve`))),
    part('data', 'Data', async () => showProfile(await ask(`${address}/profile`))),
    part('lineage', 'Lineage', async () => showLineage(await ask(`${address}/lineage`))),
  ];
  /** @type {import('../workers/console/views.ts').LifecycleView} */
  const lifecycle = await ask(address);
  document.title = `${lifecycle.model} · ${lifecycle.state} · Tuneline`;
  const shown = [
    showVerdict(lifecycle),
    showFigures(lifecycle.evidence),
    showSlices(lifecycle.evidence),
    showAttacks(lifecycle.evidence?.attacks, address),
    ...more,
    showCost(lifecycle.stages),
  ].filter((one) => one !== undefined);
  main.replaceChildren(
    h(
      'div',
      { class: 'title' },
      h('h1', {}, lifecycle.model),
      h('span', { class: `state ${lifecycle.state.split(' ')[0]}` }, lifecycle.state),
      h(
        'p',
        { class: 'quiet' },
        h('span', { class: 'id' }, id),
        ' · started ',
        h('time', { datetime: lifecycle.startedAt, title: moment(lifecycle.startedAt) }, fromNow(lifecycle.startedAt)),
        lifecycle.requester ? ` by ${lifecycle.requester}` : '',
        lifecycle.baseModel ? ` · from ${lifecycle.baseModel}` : '',
      ),
    ),
    h(
      'nav',
      { class: 'parts', 'aria-label': 'Parts of this page' },
      shown.map((one) => h('a', { href: `#${one.id}` }, one.querySelector('h2')?.textContent ?? '')),
      h('a', { href: '#decision', class: 'to-decision' }, 'Decision'),
    ),
    h('div', { class: 'columns' }, h('div', { class: 'evidence' }, shown), showDecision(lifecycle, session, address)),
  );
});

/**
 * A part that is filled when its answer comes; what can't be had says why, and leaves the rest alone.
 * @param {string} id
 * @param {string} title
 * @param {() => Promise<Element>} load
 */
function part(id, title, load) {
  const place = section(id, title, h('p', { class: 'quiet' }, 'Loading …'));
  load().then(
    (loaded) => place.replaceChildren(...loaded.childNodes),
    (/** @type {unknown} */ error) =>
      place.replaceChildren(
        h('h2', { id: `${id}-title` }, title),
        h('p', { class: 'card quiet' }, error instanceof Error ? error.message : String(error)),
      ),
  );
  return place;
}

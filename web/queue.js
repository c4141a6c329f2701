import { ask } from './api.js';
import { h, section, table } from './dom.js';
import { fromNow, moment } from './format.js';
import { start } from './shell.js';

/** @typedef {import('../workers/console/views.ts').QueueRow} Row */

void start(async (main) => {
  /** @type {import('../workers/console/views.ts').QueueView} */
  const { awaiting, recent, startUrl } = await ask('/api/lifecycles');
  document.title = awaiting.length > 0 ? `(${awaiting.length}) Reviews · Tuneline` : 'Reviews · Tuneline';
  main.replaceChildren(
    h('h1', {}, 'Reviews'),
    section(
      'awaiting',
      'Awaiting a review',
      awaiting.length > 0
        ? h('ul', { class: 'queue' }, awaiting.map(waiting))
        : h('p', { class: 'card quiet' }, 'Nothing awaits a review.'),
    ),
    section(
      'recent',
      'Recent lifecycles',
      recent.length > 0
        ? table('Recent lifecycles', ['Model', 'State', 'Started', 'Lifecycle'], recent.map(row))
        : h('p', { class: 'card quiet' }, 'There are none yet.'),
      startUrl ? byHand(startUrl) : null,
    ),
  );
});

/** @param {string} url of Temporal's form, in a window of its own: one goes back and forth */
const byHand = (url) =>
  h(
    'p',
    { class: 'quiet' },
    h('a', { href: url, target: '_blank', rel: 'noreferrer' }, "Start one by hand in Temporal's UI"),
    ': give it a Workflow ID, and a spec as its input.',
  );

/** @param {Row} lifecycle */
const waiting = ({ id, model, startedAt, review }) =>
  h(
    'li',
    { class: 'card' },
    h('a', { class: 'model', href: address(id) }, model),
    h('span', { class: 'quiet id' }, id),
    h(
      'dl',
      { class: 'facts' },
      h('div', {}, h('dt', {}, 'Asked for by'), h('dd', {}, review?.requester ?? 'not known')),
      h('div', {}, h('dt', {}, 'Waiting since'), h('dd', {}, time(review?.since ?? startedAt))),
      review?.deadline ? h('div', {}, h('dt', {}, 'Deadline'), h('dd', {}, time(review.deadline))) : null,
    ),
  );

/** @param {Row} lifecycle */
const row = ({ id, model, state, startedAt }) =>
  h(
    'tr',
    {},
    h('th', { scope: 'row' }, h('a', { href: address(id) }, model)),
    h('td', {}, h('span', { class: `state ${state.split(' ')[0]}` }, state)),
    h('td', {}, time(startedAt)),
    h('td', { class: 'id quiet' }, id),
  );

/** @param {string} iso */
const time = (iso) => h('time', { datetime: iso, title: moment(iso) }, fromNow(iso));

/** @param {string} id */
const address = (id) => `/lifecycles/${encodeURIComponent(id)}`;

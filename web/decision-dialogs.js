import { openDialog } from './dialog.js';
import { digestOf, h } from './dom.js';

/**
 * @typedef {import('../workers/console/views.ts').LifecycleView} Lifecycle
 * @typedef {import('../workers/console/views.ts').SessionView} Session
 */

/**
 * Asks for a confirmation and a comment, because an approved candidate is served.
 * @param {Lifecycle} lifecycle
 * @param {Session} session
 * @param {'approve' | 'reject'} decision
 * @param {(comment: string) => Promise<void>} send
 */
export function confirmDecision({ model, endpoint, review }, session, decision, send) {
  const verb = decision === 'approve' ? 'Approve' : 'Reject';
  openDialog(
    {
      title: `${verb} ${model}?`,
      explained: [
        h(
          'p',
          {},
          decision === 'approve'
            ? `The endpoint ${endpoint ?? 'of its spec'} will serve it.`
            : 'Nothing is promoted; the comment is the reason that is recorded.',
        ),
        h(
          'p',
          { class: 'quiet' },
          'As ',
          h('strong', {}, session.name),
          ', for ',
          digestOf(review?.digest ?? ''),
          ' and nothing else.',
        ),
      ],
      label: 'Comment',
      field: h('textarea', { id: 'decision-comment', rows: 4, maxlength: 2000 }),
      confirm: verb,
      kind: decision === 'approve' ? 'primary' : 'danger',
    },
    send,
  );
}

/** Asks who decides in place of the reviewer. @param {Session} session @param {(to: string) => Promise<void>} send */
export const askForDeputy = (session, send) =>
  openDialog(
    {
      title: 'Hand this review over?',
      explained: [
        h('p', {}, 'From then on they decide on this lifecycle, and ', h('strong', {}, session.name), ' does not.'),
        h('p', { class: 'quiet' }, 'Write the name that their token has.'),
      ],
      label: 'Who decides in your place',
      field: h('input', { id: 'deputy', required: true, maxlength: 100, autocomplete: 'off', spellcheck: 'false' }),
      confirm: 'Hand over',
      kind: 'primary',
    },
    send,
  );

import { ask } from './api.js';
import { askForDeputy, confirmDecision } from './decision-dialogs.js';
import { digestOf, h, section } from './dom.js';
import { fromNow, moment, words } from './format.js';

/**
 * @typedef {import('../workers/console/views.ts').LifecycleView} Lifecycle
 * @typedef {import('../workers/console/views.ts').SessionView} Session
 */

/** Shows the digests that a decision is bound to, the decision and the comments. @param {Lifecycle} lifecycle @param {Session} session @param {string} address */
export const showDecision = (lifecycle, session, address) =>
  h(
    'aside',
    { class: 'decision', id: 'decision', tabindex: -1, 'aria-label': 'Decision' },
    lifecycle.review ? showRequest(lifecycle, session, address) : showOutcome(lifecycle),
    showComments(lifecycle, session, address),
  );

/** @param {Lifecycle} lifecycle @param {Session} session @param {string} address */
function showRequest(lifecycle, session, address) {
  const { review, decisions, delegations } = lifecycle;
  if (!review) return null;
  const outcome = h('div', { class: 'outcome', role: 'status' });
  const buttons = h('div', { class: 'buttons' });
  /** @param {Promise<{ answer: string }>} sent */
  const settle = async (sent) => {
    try {
      const { answer } = await sent;
      outcome.replaceChildren(
        h('p', { class: 'banner pass' }, `Recorded: ${answer}.`),
        h('p', {}, h('a', { href: location.pathname }, 'See what follows')),
      );
      buttons.remove();
    } catch (error) {
      outcome.replaceChildren(
        h('p', { class: 'banner fail' }, error instanceof Error ? error.message : String(error)),
        h('p', {}, h('a', { href: location.pathname }, 'Load what is under review now')),
      );
    }
    outcome.scrollIntoView({ block: 'nearest' });
  };
  /** @param {'approve' | 'reject'} decision */
  const decide = (decision) =>
    confirmDecision(lifecycle, session, decision, (comment) =>
      // Send the digest that was shown: the decision must not count for anything newer.
      settle(ask(`${address}/review`, 'POST', { decision, digest: review.digest, comment: comment || undefined })),
    );
  const handOver = () => askForDeputy(session, (to) => settle(ask(`${address}/delegations`, 'POST', { to })));
  buttons.append(
    h('button', { class: 'primary', click: () => decide('approve') }, 'Approve …'),
    h('button', { class: 'danger', click: () => decide('reject') }, 'Reject …'),
  );
  // Without a list of reviewers anyone may decide, so nobody needs a deputy.
  if (review.reviewers) buttons.append(h('button', { click: handOver }, 'Hand over …'));
  const isOwn = review.twoPersonRule && review.requester?.toLowerCase() === session.name.toLowerCase();
  return section(
    'decide',
    'Decision',
    h(
      'dl',
      { class: 'pairs' },
      review.requester ? [h('dt', {}, 'Asked for by'), h('dd', {}, review.requester)] : null,
      review.deadline
        ? [
            h('dt', {}, 'Deadline'),
            h(
              'dd',
              {},
              h('time', { datetime: review.deadline, title: moment(review.deadline) }, fromNow(review.deadline)),
            ),
          ]
        : null,
      [h('dt', {}, 'Rule'), h('dd', {}, review.twoPersonRule ? 'another person than who asked' : 'any reviewer')],
      review.approvals === undefined
        ? null
        : [h('dt', {}, 'Approvals'), h('dd', {}, `${decisions.length} of ${review.approvals}`)],
      review.reviewers ? [h('dt', {}, 'Reviewers'), h('dd', {}, review.reviewers.join(', '))] : null,
    ),
    h('h3', {}, 'What it counts for'),
    h(
      'dl',
      { class: 'pairs' },
      [['all of it', review.digest], ...Object.entries(review.subject ?? {})]
        .map(([name, digest]) => [h('dt', {}, words(String(name))), h('dd', {}, digestOf(String(digest)))])
        .flat(),
    ),
    isOwn
      ? h(
          'p',
          { class: 'note' },
          'You asked for this lifecycle yourself, and its two-person rule wants another reviewer.',
        )
      : null,
    session.roles.includes('reviewer')
      ? buttons
      : h('p', { class: 'note' }, 'You may look. To decide, a token needs the role “reviewer”.'),
    outcome,
    showDelegations(delegations),
    showDecisions(decisions),
  );
}

/** @param {Lifecycle} lifecycle */
function showOutcome({ state, stage, version, endpoint, decisions, delegations }) {
  const outcomes = {
    promoted: `Promoted as version ${version ?? '?'}, served by ${endpoint ?? 'its endpoint'}.`,
    unchanged: 'Unchanged: it would only have come to a version that serves, or was refused, and did nothing.',
    rejected: 'Rejected: nothing was promoted.',
    failed: 'Failed: nothing was promoted.',
    cancelled: 'Cancelled: nothing was promoted.',
    running:
      decisions.length > 0 ? `Decided; it is at ${stage} now.` : `Running: ${stage}. There is nothing to decide yet.`,
    'awaiting review': 'Awaiting a review.',
  };
  return section(
    'decide',
    'Decision',
    h('p', {}, outcomes[state]),
    showDelegations(delegations),
    showDecisions(decisions),
  );
}

/** @param {Lifecycle['delegations']} delegations */
const showDelegations = (delegations) =>
  delegations.length === 0
    ? null
    : h(
        'ul',
        { class: 'plain-list' },
        delegations.map(({ from, to, at }) =>
          h(
            'li',
            {},
            h('strong', {}, to),
            ' decides in place of ',
            from,
            at ? h('span', { class: 'quiet' }, ` ${fromNow(at)}`) : null,
          ),
        ),
      );

/** @param {Lifecycle['decisions']} decisions */
const showDecisions = (decisions) =>
  h(
    'ul',
    { class: 'plain-list' },
    decisions.map(({ decision, reviewer, comment, at }) =>
      h(
        'li',
        {},
        h('strong', {}, `${decision === 'approve' ? 'approved' : 'rejected'} by ${reviewer}`),
        at ? h('span', { class: 'quiet' }, ` ${fromNow(at)}`) : null,
        comment ? h('p', { class: 'said' }, comment) : null,
      ),
    ),
  );

/** @param {Lifecycle} lifecycle @param {Session} session @param {string} address */
function showComments({ comments, review }, session, address) {
  const list = h('ul', { class: 'plain-list comments' }, comments.map(showComment));
  const text = h('textarea', { id: 'comment', rows: 2, maxlength: 2000, required: true });
  const problem = h('p', { class: 'problem', role: 'alert' });
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await ask(`${address}/comments`, 'POST', { text: text.value });
      list.append(showComment({ author: session.name, text: text.value, at: new Date().toISOString() }));
      text.value = '';
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  const form = h(
    'form',
    { submit },
    h('label', { for: 'comment' }, 'Say something'),
    text,
    problem,
    h('button', {}, 'Comment'),
  );
  return section(
    'comments',
    'Comments',
    comments.length === 0 ? h('p', { class: 'quiet' }, 'None yet.') : null,
    list,
    review && session.roles.includes('reviewer') ? form : null,
  );
}

/** @param {Lifecycle['comments'][number]} comment */
const showComment = ({ author, text, at }) =>
  h(
    'li',
    {},
    h('strong', {}, author),
    at ? h('span', { class: 'quiet' }, ` ${fromNow(at)}`) : null,
    h('p', { class: 'said' }, text),
  );

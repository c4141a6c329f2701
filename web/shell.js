import { ApiError, ask } from './api.js';
import { h } from './dom.js';
import { signIn } from './sign-in.js';

/** @typedef {import('../workers/console/views.ts').SessionView} Session */

/**
 * Runs a page: signs in where that is needed, says who is signed in, and shows what went wrong.
 * @param {(main: HTMLElement, session: Session) => Promise<void>} render
 */
export async function start(render) {
  const main = /** @type {HTMLElement} */ (document.getElementById('main'));
  try {
    const session = await sessionOf(main);
    showWho(session);
    await render(main, session);
    // The anchors of an address exist only now.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    main.replaceChildren(
      h('h1', {}, error instanceof ApiError && error.status === 404 ? 'Not here' : 'That did not work'),
      h('p', { class: 'problem', role: 'alert' }, error instanceof Error ? error.message : String(error)),
      h('p', {}, h('a', { href: '/' }, 'To the queue')),
    );
    if (!(error instanceof ApiError)) throw error;
  }
}

/** @param {HTMLElement} main @returns {Promise<Session>} */
async function sessionOf(main) {
  try {
    return await ask('/api/session');
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    await signIn(main);
    main.replaceChildren(h('p', { class: 'quiet' }, 'Loading …'));
    return ask('/api/session');
  }
}

/** @param {Session} session */
function showWho({ name, roles }) {
  const signOut = async () => {
    await ask('/api/session', 'DELETE');
    location.assign('/');
  };
  document
    .getElementById('who')
    ?.replaceChildren(
      h('span', { title: roles.join(', ') }, name),
      h('button', { class: 'plain', click: signOut }, 'Sign out'),
    );
}

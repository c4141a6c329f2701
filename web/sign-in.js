import { ask } from './api.js';
import { h } from './dom.js';

/** The form in place of a page that wants a token; resolves when one was accepted. @param {HTMLElement} main @returns {Promise<void>} */
export function signIn(main) {
  return new Promise((resolve) => {
    const problem = h('p', { class: 'problem', role: 'alert' });
    const token = h('input', {
      id: 'token',
      type: 'password',
      autocomplete: 'current-password',
      required: true,
      spellcheck: 'false',
    });
    /** @param {SubmitEvent} event */
    const submit = async (event) => {
      event.preventDefault();
      problem.textContent = '';
      try {
        await ask('/api/session', 'POST', { token: token.value });
        resolve();
      } catch (error) {
        problem.textContent = error instanceof Error ? error.message : String(error);
        token.select();
      }
    };
    main.replaceChildren(
      h(
        'form',
        { class: 'card sign-in', submit },
        h('h1', {}, 'Sign in'),
        h('label', { for: 'token' }, 'Your token'),
        token,
        problem,
        h('button', { class: 'primary' }, 'Sign in'),
        h(
          'p',
          { class: 'quiet' },
          'Who runs the console makes one: ',
          h('code', {}, 'scripts/tuneline token create NAME --role reviewer'),
        ),
      ),
    );
    token.focus();
  });
}

import { h } from './dom.js';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {(import('./dom.js').Child)[]} explained
 * @property {string} label of the field
 * @property {HTMLInputElement | HTMLTextAreaElement} field has the focus at first
 * @property {string} confirm what the button says
 * @property {'primary' | 'danger'} kind
 */

/**
 * Asks once more, over the page, and closes when what was said is sent.
 * @param {Question} question
 * @param {(said: string) => Promise<void>} send
 */
export function openDialog({ title, explained, label, field, confirm, kind }, send) {
  const button = h('button', { class: kind }, confirm);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    await send(field.value.trim());
    dialog.close();
  };
  /** @type {HTMLDialogElement} */
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'dialog-title', close: () => dialog.remove() },
    h(
      'form',
      { submit },
      h('h2', { id: 'dialog-title' }, title),
      explained,
      h('label', { for: field.id }, label),
      field,
      h('div', { class: 'buttons' }, button, h('button', { type: 'button', click: () => dialog.close() }, 'Cancel')),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}

import { h } from './dom.js';

/**
 * A list to choose from, with its label.
 * @param {{ id: string, label: string, options: readonly (readonly [key: string, text: string])[], value: string }} choice
 * @param {(value: string) => unknown} change
 */
export function choice({ id, label, options, value }, change) {
  /** @type {HTMLSelectElement} */
  const select = h(
    'select',
    { id, change: () => change(select.value) },
    options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)),
  );
  return [h('label', { for: id }, label), select];
}

/** Nothing where one page is all. @param {{ page: number, pages: number }} at @param {string} name @param {(to: number) => unknown} turn */
export function pager({ page, pages }, name, turn) {
  if (pages === 1) return null;
  return h(
    'nav',
    { class: 'pager', 'aria-label': name },
    h('button', { click: () => turn(page - 1), disabled: page === 1 }, '← Previous'),
    h('span', {}, `${page} of ${pages}`),
    h('button', { click: () => turn(page + 1), disabled: page === pages }, 'Next →'),
  );
}

/** After a page was turned: from its top on, also for the keyboard. @param {string} part */
export function showTop(part) {
  document.getElementById(`${part}-title`)?.scrollIntoView();
  document.getElementById(`${part}-count`)?.focus({ preventScroll: true });
}

/**
 * Elements from code. What comes from a model, a data set or a person becomes a text node: there is no way here to make markup of it.
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {{ [name: string]: string | number | boolean | undefined | ((event: any) => unknown) }} Attributes
 */

/**
 * An HTML element. A function is a listener, `true` an attribute without a value, `false` and undefined none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/**
 * The same in SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {(Child | Child[])[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== false)
      element.append(typeof child === 'number' ? String(child) : child);
  return element;
}

/**
 * A part of the page that an anchor can name.
 * @param {string} id
 * @param {string} title
 * @param {...(Child | Child[])} children
 */
export const section = (id, title, ...children) =>
  h('section', { id, 'aria-labelledby': `${id}-title` }, h('h2', { id: `${id}-title` }, title), ...children);

/**
 * A table that scrolls by itself where it is too wide, also by keyboard.
 * @param {string} caption for those who do not see what stands around it
 * @param {Child[]} head
 * @param {Node[]} rows
 */
export const table = (caption, head, rows) =>
  h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map((cell) => h('th', { scope: 'col' }, cell)),
        ),
      ),
      h('tbody', {}, rows),
    ),
  );

/**
 * A short form of a digest; the whole of it is in the title, and is what a copy takes.
 * @param {string} digest
 */
export const digestOf = (digest) =>
  h('code', { class: 'digest', title: digest }, digest.replace(/^sha256:/, '').slice(0, 12));

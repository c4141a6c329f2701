/** A document as data: one content, two ways to read it. */
export type Block =
  | { readonly kind: 'title' | 'heading' | 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** What is not an address of the web is shown as text. */
  | { readonly kind: 'links'; readonly items: readonly { readonly text: string; readonly url: string }[] }
  /** Drawn by us, never from what others wrote; the text says the same to whoever does not see it. */
  | { readonly kind: 'drawing'; readonly svg: string; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** GitHub's Markdown. Texts stay texts on one line: no tag, no link with other words, no picture, formula, heading, list or cell of their own. */
export const toMarkdown = (blocks: readonly Block[]): string => `${blocks.map(markdownOf).join('\n\n')}\n`;

/** For a terminal: columns under each other, and no mark but the blank lines. */
export const toText = (blocks: readonly Block[]): string => `${blocks.map(textOf).join('\n\n')}\n`;

/** A page that loads nothing and runs nothing; readable on a phone, light and dark. */
export function toHtml(blocks: readonly Block[]): string {
  const title = blocks.find(({ kind }) => kind === 'title');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${title && 'text' in title ? escapeHtml(title.text) : ''}</title>`,
    `<style>${style}</style>`,
    ...blocks.map(htmlOf),
    '</html>',
    '',
  ].join('\n');
}

const style =
  ':root{color-scheme:light dark}body{font:1em/1.5 system-ui,sans-serif;max-width:60em;margin:auto;padding:1em;overflow-wrap:anywhere}table{border-collapse:collapse}td,th{border:1px solid;padding:.2em .6em;text-align:left}figure{margin:1.5em 0}svg{max-width:100%;height:auto}';

function markdownOf(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `# ${line(block.text)}`;
    case 'heading':
      return `## ${line(block.text)}`;
    case 'paragraph':
      return opening(block.text);
    case 'drawing':
      return opening(block.text);
    case 'list':
      return block.items.map((item) => `- ${opening(item)}`).join('\n');
    case 'links':
      return block.items
        .map(
          ({ text, url }) =>
            `- ${opening(text)}: ${isWebAddress(url) ? `<${new URL(url).href.replace(/[\\`|]/g, encodeURIComponent)}>` : line(url)}`,
        )
        .join('\n');
    case 'table':
      return [block.head.map(line), block.head.map(() => '---'), ...block.rows.map((row) => row.map(line))]
        .map((cells) => `| ${cells.join(' | ')} |`)
        .join('\n');
  }
}

function textOf(block: Block): string {
  switch (block.kind) {
    case 'title':
    case 'heading':
    case 'paragraph':
    case 'drawing':
      return plain(block.text);
    case 'list':
      return block.items.map((item) => `  ${plain(item)}`).join('\n');
    case 'links':
      return block.items.map(({ text, url }) => `  ${plain(text)}  ${plain(url)}`).join('\n');
    case 'table': {
      const rows = [block.head, ...block.rows].map((row) => row.map(plain));
      const widths = block.head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
      return rows
        .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
        .join('\n');
    }
  }
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `<h1>${escapeHtml(block.text)}</h1>`;
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`;
    case 'paragraph':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'drawing':
      return `<figure><figcaption>${escapeHtml(block.text)}</figcaption>${block.svg}</figure>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'links':
      return `<ul>${block.items.map(({ text, url }) => `<li>${escapeHtml(text)}: ${isWebAddress(url) ? `<a rel="noreferrer" href="${escapeHtml(url)}">${escapeHtml(url)}</a>` : escapeHtml(url)}</li>`).join('')}</ul>`;
    case 'table':
      return `<table><tr>${block.head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('')}</tr>${block.rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('')}</table>`;
  }
}

/** On one line, and without what a terminal would obey. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
const line = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_|~$]|(?<=\])[([]/g, '\\$&');
/** Where a line begins there is more to misread: a heading, a quotation, a list, a task, a definition, or an order to GitLab such as /close. */
const opening = (text: string): string =>
  line(text).replace(/^(?:[#>+=/[-]|\d+(?=[.)]))/, (start) => (/^\d/.test(start) ? `${start}\\` : `\\${start}`));
const isWebAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

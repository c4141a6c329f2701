/** The content of a document as data; it can be rendered in several formats. */
export type Block =
  | { readonly kind: 'title' | 'heading' | 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** Anything that is not an http or https address is shown as text. */
  | { readonly kind: 'links'; readonly items: readonly { readonly text: string; readonly url: string }[] }
  /** Only Tuneline draws the SVG, never from untrusted text. `text` says the same to people who can't see it. */
  | { readonly kind: 'drawing'; readonly svg: string; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

/**
 * GitHub's Markdown. Each text stays plain text on one line: it can't create tags, links, images, formulas, headings,
 * lists or cells.
 */
export const toMarkdown = (blocks: readonly Block[]): string => `${blocks.map(markdownOf).join('\n\n')}\n`;

/** For a terminal: aligned columns, and blank lines as the only separators. */
export const toText = (blocks: readonly Block[]): string => `${blocks.map(textOf).join('\n\n')}\n`;

/** A page that loads nothing and runs no script. It is readable on a phone, in light and dark mode. */
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

/** Puts a text on one line, and removes control characters that a terminal would obey. */
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
/**
 * Also escapes the start of a line: it could be read as a heading, a quotation, a list, a task, a definition, or a
 * GitLab command such as /close.
 */
const opening = (text: string): string =>
  line(text).replace(/^(?:[#>+=/[-]|\d+(?=[.)]))/, (start) => (/^\d/.test(start) ? `${start}\\` : `\\${start}`));
const isWebAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

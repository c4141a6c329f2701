import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { marked, type Token, type Tokens } from 'marked';
import { toHtml, toMarkdown, type Block } from '../../../domain/report/document.ts';

const nasty = fc.string({
  unit: fc.constantFrom(
    '#',
    '>',
    '-',
    '+',
    '=',
    '1.',
    ')',
    '/close',
    '[',
    ']',
    '(',
    '!',
    '<',
    '&',
    '`',
    '*',
    '_',
    '~',
    '|',
    '$',
    '\\',
    ' ',
    '\n',
    'x',
    'http://e.vil',
    '<img src=x>',
    '&lt;',
    '[a]: http://e.vil',
    '[ ] ',
    '](http://e.vil)',
    '![x',
  ),
  maxLength: 12,
});

/** All that a reader makes of it, in all depths. */
function kindsOf(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token) => [
    token.type,
    ...kindsOf('tokens' in token ? (token.tokens ?? []) : []),
    ...(token.type === 'list' ? kindsOf((token as Tokens.List).items) : []),
    ...(token.type === 'table'
      ? [...(token as Tokens.Table).header, ...(token as Tokens.Table).rows.flat()].flatMap((cell) =>
          kindsOf(cell.tokens),
        )
      : []),
  ]);
}
/** An address that stands there as it is may become a link that says where it leads. */
const isBare = (token: Token): boolean =>
  token.type !== 'link' || (token as Tokens.Link).text === token.raw || token.raw === (token as Tokens.Link).href;
const allTokens = (tokens: readonly Token[]): Token[] => {
  const found: Token[] = [];
  void marked.walkTokens([...tokens], (token) => {
    found.push(token);
  });
  return found;
};

test('whatever a text says, it stays the text of the block it stands in', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      fc.pre(text.trim() !== '');
      const blocks: Block[] = [
        { kind: 'heading', text: `x${text}` },
        { kind: 'paragraph', text },
        { kind: 'list', items: [text] },
        { kind: 'table', head: ['a', 'b'], rows: [[text, 'x']] },
      ];
      const tokens = marked.lexer(toMarkdown(blocks));
      expect(tokens.map(({ type }) => type).filter((type) => type !== 'space')).toEqual([
        'heading',
        'paragraph',
        'list',
        'table',
      ]);
      const kinds = kindsOf(tokens);
      expect(
        kinds.filter(
          (kind) =>
            !['heading', 'paragraph', 'list', 'list_item', 'table', 'text', 'escape', 'space', 'link'].includes(kind),
        ),
      ).toEqual([]);
      expect(allTokens(tokens).filter((token) => !isBare(token))).toEqual([]);
      expect((tokens.find(({ type }) => type === 'table') as Tokens.Table).rows).toHaveLength(1);
    }),
    { numRuns: 1000 },
  );
});

test.each(['/close', '# a', '> a', '- a', '1. a', '[a]: http://e.vil', '[ ] a'])(
  'what begins with %j orders nothing and shapes nothing',
  (text) => {
    expect(toMarkdown([{ kind: 'paragraph', text }])).toMatch(/^(?:\\|1\\)/);
  },
);

test('links lead where they say, and only into the web', () => {
  const items = [
    { text: 'lifecycle', url: 'http://127.0.0.1:8233/a_b?x=<y>|z' },
    { text: 'not that', url: 'javascript:alert(1)' },
  ];
  expect(toMarkdown([{ kind: 'links', items }])).toBe(
    '- lifecycle: <http://127.0.0.1:8233/a_b?x=%3Cy%3E%7Cz>\n- not that: javascript:alert(1)\n',
  );
  expect(toHtml([{ kind: 'links', items }])).toContain(
    '<a rel="noreferrer" href="http://127.0.0.1:8233/a_b?x=&lt;y&gt;|z">',
  );
  expect(toHtml([{ kind: 'links', items }])).not.toContain('href="javascript');
});

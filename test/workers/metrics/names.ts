/** Names of all series in a text of Prometheus's format. */
export const namesIn = (text: string): string[] => [
  ...new Set(
    text.split('\n').flatMap((line) => (line.startsWith('#') ? [] : (/^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line) ?? []))),
  ),
];

const words = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool']);

/** Names of all series that a query of PromQL reads: what is no function, no label and no word of the language. */
export function namesUsed(query: string): string[] {
  const bare = query
    .replaceAll(/"(\\.|[^"])*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\boffset\s+\w+/g, '')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name));
}

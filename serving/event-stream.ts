/** The data of each server-sent event, as the body arrives. Ignores all fields except `data`. */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    const events = (rest + decoder.decode(part, { stream: true })).replaceAll('\r\n', '\n').split('\n\n');
    rest = events.pop() ?? '';
    yield* events.flatMap(dataOf);
  }
  yield* dataOf(rest);
}

export const eventWith = (data: string): string => `data: ${data}\n\n`;

function dataOf(event: string): string[] {
  const lines = event.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []));
  return lines.length > 0 ? [lines.join('\n')] : [];
}

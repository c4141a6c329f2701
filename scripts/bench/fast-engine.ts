import { createServer } from 'node:http';

/** An engine that answers at once: what is left of a request's time is the router's. */
const answer = JSON.stringify({
  ...{
    id: 'bench',
    object: 'chat.completion',
    model: 'bench',
    usage: { prompt_tokens: 200, completion_tokens: 24, total_tokens: 224 },
  },
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'lists the files of a folder, sorted by size or by name' },
      finish_reason: 'stop',
    },
  ],
});
const server = createServer((request, response) => {
  request.resume().on('end', () => response.setHeader('content-type', 'application/json').end(answer));
});
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as { port: number }).port}`));

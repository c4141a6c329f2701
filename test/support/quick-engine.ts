import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** What a quick engine serves in the place of weights. */
export interface QuickWeights {
  /** Its answer to whatever it is asked. */
  readonly says: string;
  /** Requests with this text in them it fails. */
  readonly fails?: string;
}

/** Called as `transformers serve MODEL --host HOST --port PORT` is, which takes fifteen seconds to start. */
const [model = '', ...options] = process.argv.slice(3);
const option = (name: string): string => options[options.indexOf(`--${name}`) + 1] ?? '';
const { says, fails } = JSON.parse(readFileSync(join(model, 'weights.json'), 'utf8')) as QuickWeights;

createServer((request, response) => {
  void (async () => {
    let body = '';
    for await (const part of request) body += String(part);
    response.statusCode = fails !== undefined && body.includes(fails) ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: says } }] }));
  })();
}).listen(Number(option('port')), option('host'));

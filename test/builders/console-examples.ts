import { type Json, draws } from './console-draws.ts';

const subjects = [
  'CSV parser',
  'web server',
  'image viewer',
  'mail filter',
  'terminal multiplexer',
  'font editor',
  'packet analyser',
  'spell checker',
  'photo manager',
  'build system',
];
const qualities = [
  'fast',
  'small',
  'portable',
  'scriptable',
  'multi-threaded',
  'class based',
  'lightweight',
  'extensible',
];
const uses = [
  'for desktop users',
  'for scripts',
  'written in C',
  'with Python bindings',
  'for embedded systems',
  'with a web interface',
];

function rowOf(index: number, next: () => number): Json {
  const pick = (from: readonly string[]): string => from[Math.floor(next() * from.length)] ?? '';
  const [quality, subject, use] = [pick(qualities), pick(subjects), pick(uses)];
  const reference = `${quality} ${subject} ${use}`;
  const isWorse = next() < 0.18;
  const candidate = isWorse
    ? `${subject} and more ${subject}`
    : `${quality} ${subject} ${next() < 0.5 ? use : ''}`.trim();
  const champion = next() < 0.5 ? `${quality} ${subject}, a program ${use}` : `a ${subject} that is ${quality}`;
  const base = `This package contains the ${subject}. It can be used ${use}, and it is very ${quality}.`;
  const said = (answer: string): Json => ({
    answer,
    rouge1: overlap(answer, reference),
    rougeL: overlap(answer, reference),
    exactMatch: Number(answer === reference),
    nll: 8 + 20 * (1 - overlap(answer, reference)),
    tokens: answer.split(' ').length,
  });
  return {
    id: String(index).padStart(8, '0'),
    prompt: `Package description:\nThe ${subject} is a ${quality} tool. It is made ${use}, and comes with documentation and examples.\n\nWrite its synopsis.`,
    reference,
    base: said(base),
    candidate: said(candidate),
    champion: said(champion),
  };
}

/** Word overlap as F1, near enough to ROUGE-1 for a picture. */
function overlap(a: string, b: string): number {
  const [left, right] = [a.toLowerCase().split(/\W+/), b.toLowerCase().split(/\W+/)];
  const shared = left.filter((word) => right.includes(word)).length;
  return shared === 0 ? 0 : Number(((2 * shared) / (left.length + right.length)).toFixed(4));
}

/** Lines of per-example.jsonl. What the model says is not always kind: the first answers try to be markup. */
export function exampleRows(count = 64, seed = 11): Json[] {
  const next = draws(seed);
  const rows = Array.from({ length: count }, (_, index) => rowOf(index, next));
  const hostile = {
    ...(rows[0]?.['candidate'] as Json),
    answer: hostileText,
    rationale: hostileRationale,
    judgedGroundedness: 0,
    rougeL: 0,
    rouge1: 0,
  };
  return [{ ...rows[0], candidate: hostile }, ...rows.slice(1)];
}

export const hostileText = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> fast web server';
/** What a judge says quotes what it judged. */
export const hostileRationale = 'not supported: <svg onload="window.hacked=1">';

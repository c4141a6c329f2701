/** Four significant digits, a real minus sign. @param {number} x */
export const number = (x) =>
  (Math.abs(x) >= 1e5 ? compact.format(x) : String(Number(x.toPrecision(4)))).replace(/^-/, '−');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** With its sign: a difference. @param {number} x */
export const signed = (x) => (x > 0 ? `+${number(x)}` : number(x));

/** @param {number} share */
export const percent = (share) => `${number(100 * share)} %`;

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}

/** @param {string} iso */
export const moment = (iso) => new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "in 3 days", "2 hours ago". @param {string} iso @param {number} [nowMs] */
export function fromNow(iso, nowMs = Date.now()) {
  const minutes = (new Date(iso).getTime() - nowMs) / 60_000;
  if (Math.abs(minutes) < 90) return relative.format(Math.round(minutes), 'minute');
  if (Math.abs(minutes) < 36 * 60) return relative.format(Math.round(minutes / 60), 'hour');
  return relative.format(Math.round(minutes / 1440), 'day');
}

/** A name of the code as words: "latencyP95Ms" is "latency P95 ms". @param {string} name */
export const words = (name) => metricNames[name] ?? name.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase();

/** @type {Record<string, string>} */
const metricNames = {
  bleu: 'BLEU',
  chrf: 'chrF',
  rouge1: 'ROUGE-1',
  rouge2: 'ROUGE-2',
  rougeL: 'ROUGE-L',
  rougeLsum: 'ROUGE-Lsum',
  exactMatch: 'exact match',
  tokenF1: 'token F1',
  perplexity: 'perplexity',
  nll: 'negative log likelihood',
  lengthRatio: 'length ratio',
  attackSuccessRate: 'attack success rate',
  latencyP50Ms: 'latency p50, ms',
  latencyP95Ms: 'latency p95, ms',
  tokensPerSecond: 'tokens per second',
  costPer1000Requests: 'cost per 1,000 requests',
  modelBytes: 'model size, bytes',
  gpuSeconds: 'GPU seconds',
  peakMemoryGiB: 'peak memory, GiB',
};

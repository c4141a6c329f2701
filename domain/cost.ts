import type { Metric } from './lifecycle-spec.ts';

/** The only figure that is money. */
export const costMetric = 'costPer1000Requests' satisfies Metric;

/** What is said of a metric, with the currency behind it where that is a cost and somebody told the currency. */
export const withCurrency = (said: string, metric: string | undefined, currency: string | undefined): string =>
  metric === costMetric && currency !== undefined ? `${said} (${currency})` : said;

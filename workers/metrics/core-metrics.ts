import type { RuntimeOptions } from '@temporalio/worker';

/**
 * Makes Temporal's SDK serve `/metrics`, in seconds and with Prometheus's suffixes. It covers workflows, activities,
 * pollers, slots, and every metric from the meter of its runtime.
 */
export const metricsAt = (port: number | undefined): Pick<RuntimeOptions, 'telemetryOptions'> =>
  port === undefined
    ? {}
    : {
        telemetryOptions: {
          metrics: {
            prometheus: {
              bindAddress: `0.0.0.0:${port}`,
              countersTotalSuffix: true,
              unitSuffix: true,
              useSecondsForDurations: true,
              histogramBucketOverrides: { tuneline_job_report: reportSeconds },
            },
          },
        },
      };

/** A report usually takes a second. A minute means that MLflow or Temporal was down. */
const reportSeconds = [0.1, 0.5, 1, 2, 5, 15, 60, 300];

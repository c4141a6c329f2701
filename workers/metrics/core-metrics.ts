import type { RuntimeOptions } from '@temporalio/worker';

/**
 * Has Temporal's SDK serve `/metrics` itself, in seconds, with the suffixes that Prometheus expects: all that it counts of
 * workflows, activities, pollers and slots, and what is counted by the meter of its runtime.
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

/** A second is usual; a minute says that MLflow or Temporal was away. */
const reportSeconds = [0.1, 0.5, 1, 2, 5, 15, 60, 300];

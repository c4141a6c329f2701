import type { MetricMeter } from '@temporalio/common';
import { failurePolicies } from '../../domain/job/failure.ts';
import type { Wait } from '../../domain/job/job.ts';
import type { JobReporter } from '../jobs/job-tracker.ts';

const waits: Readonly<Record<Wait['for'], true>> = { quota: true, node: true, image: true, start: true };

/** A reporter that counts Jobs, and measures the time from a Job's end until its lifecycle knows. */
export function countJobs(reporter: JobReporter, meter: MetricMeter): JobReporter {
  // The exporter adds `_total` and the unit.
  const ended = meter.createCounter(
    'tuneline_jobs_ended',
    undefined,
    'Jobs whose end was reported, by outcome: succeeded, or the class of the failure',
  );
  const waiting = meter.createGauge('tuneline_jobs_waiting', 'int', undefined, 'Jobs that wait, by what they wait for');
  const report = meter.createHistogram(
    'tuneline_job_report',
    'float',
    'seconds',
    "From a Job's end seen until its lifecycle knows",
  );
  const waitsOf = new Map<string, Wait['for']>();
  const endedSince = new Map<string, number>();
  // Starts each series at 0: an alert on an increase misses a failure that is the first value of its series.
  for (const outcome of ['succeeded', ...Object.keys(failurePolicies)]) ended.add(0, { outcome });
  showWaiting();

  function showWaiting(): void {
    for (const what of Object.keys(waits))
      waiting.set([...waitsOf.values()].filter((it) => it === what).length, { for: what });
  }

  function note(name: string, wait: Wait | undefined): void {
    if (wait) waitsOf.set(name, wait.for);
    else waitsOf.delete(name);
    showWaiting();
  }

  return {
    ...reporter,
    keepRecord(request, outcome) {
      if (!endedSince.has(request.name)) endedSince.set(request.name, performance.now());
      return reporter.keepRecord(request, outcome);
    },
    showWait(request, wait) {
      note(request.name, wait);
      return reporter.showWait(request, wait);
    },
    async complete(request, outcome) {
      const answer = await reporter.complete(request, outcome);
      ended.add(1, { outcome: outcome.kind === 'succeeded' ? 'succeeded' : outcome.failure.class });
      report.record((performance.now() - (endedSince.get(request.name) ?? performance.now())) / 1000);
      endedSince.delete(request.name);
      note(request.name, undefined);
      return answer;
    },
  };
}

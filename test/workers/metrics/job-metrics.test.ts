import { expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { JobOutcome } from '../../../domain/job/job.ts';
import { freePort } from '../../../local/ports.ts';
import type { JobReporter } from '../../../workers/jobs/job-tracker.ts';
import { metricsAt } from '../../../workers/metrics/core-metrics.ts';
import { countJobs } from '../../../workers/metrics/job-metrics.ts';
import { jobOf } from '../../contract/jobs.ts';

test('Jobs are counted by how they ended and by what they wait for, and once each', async () => {
  const port = await freePort();
  Runtime.install({ logger: new DefaultLogger('ERROR'), ...metricsAt(port) });
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  let isDown = true;
  const reporter: JobReporter = {
    keepRecord: (_request, outcome) => Promise.resolve(outcome),
    showWait: () => Promise.resolve(),
    complete: () => (isDown ? Promise.reject(new Error('Temporal is down')) : Promise.resolve('completed')),
    heartbeat: () => Promise.resolve('waiting'),
  };
  const counting = countJobs(reporter, Runtime.instance().metricMeter);
  const [job, other] = [jobOf({ does: 'sleep' }), jobOf({ does: 'sleep' })];
  const outOfMemory: JobOutcome = { kind: 'failed', failure: { class: 'GpuOutOfMemory', message: '' } };

  expect(await scrape()).toContain('tuneline_jobs_ended_total{outcome="GpuOutOfMemory"} 0\n');
  for (const request of [job, other]) await counting.showWait(request, { for: 'quota', sinceMs: 0, message: '' });
  expect(await scrape()).toContain('tuneline_jobs_waiting{for="quota"} 2\n');
  await counting.keepRecord(job, outOfMemory);
  await expect(counting.complete(job, outOfMemory)).rejects.toThrow('Temporal is down');
  expect(await scrape()).toContain('tuneline_jobs_ended_total{outcome="GpuOutOfMemory"} 0\n');
  isDown = false;
  expect(await counting.complete(job, outOfMemory)).toBe('completed');
  await counting.showWait(other, undefined);

  const text = await scrape();
  expect(text).toContain('tuneline_jobs_ended_total{outcome="GpuOutOfMemory"} 1\n');
  expect(text).toContain('tuneline_jobs_waiting{for="quota"} 0\n');
  expect(text).toContain('tuneline_job_report_seconds_count 1\n');
  expect(text).toMatch(/^tuneline_job_report_seconds_bucket\{le="300"\} 1$/m);
});

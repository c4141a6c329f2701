import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadYaml } from '@kubernetes/client-node';
import { createServingMetrics } from '../../../serving/metrics.ts';
import { tags } from '../../../domain/lineage/tracking.ts';
import { candidateOf, releaseOf } from '../../builders/releases.ts';
import { repository } from '../../support/stack.ts';
import { until } from '../../support/until.ts';
import { startLiveMetrics, type LiveMetrics } from './live-metrics.ts';
import { namesIn, namesUsed } from './names.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (name: string): string => readFileSync(join(repository, 'examples/monitoring', name), 'utf8');
const { groups } = loadYaml<{ groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] }>(
  read('alerts.yaml'),
);
const rules = groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(read('grafana-dashboard.json')) as { panels: readonly Panel[] };
const queries = [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
];

/** What exists once a first Job has ended: job-metrics.test.ts. */
const afterJobs = 'tuneline_job_report_seconds_bucket';

/** What an endpoint's `/metrics` says after one request with all that can happen to it. */
async function endpointMetrics(): Promise<string> {
  const metrics = createServingMetrics();
  const release = releaseOf('3');
  metrics.requested({ id: '1', release, atMs: 0, status: 200, ms: 10, messages: [], answer: '', completionTokens: 1 });
  metrics.guarded({ id: '1', release, guard: 'input', decision: 'flag', findings: [] });
  metrics.rated('main', 1);
  metrics.refused('rate_limit');
  return metrics.text();
}

const record = (version: string): string => JSON.stringify({ champion: { version } });
const model = {
  name: 'words',
  aliases: [{ alias: 'champion', version: '3' }],
  tags: [
    { key: 'tuneline.release.main', value: record('3') },
    { key: 'tuneline.release.other', value: record('7') },
  ],
};

const { terms } = candidateOf({ version: '3' }, {}, { refresh: { maximumAgeDays: 9 } });

let live: LiveMetrics;
beforeAll(
  async () =>
    void (live = await startLiveMetrics(model, {
      creation_timestamp: Date.now() - 10 * 86_400_000,
      tags: [{ key: tags.releaseTerms, value: JSON.stringify(terms) }],
    })),
);
afterAll(() => live.close());

const valueOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((l) => l.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

test('what dashboard and alerts ask for is there, and says how the fleet stands', async () => {
  const { client, scrape, consoleUrl } = live;
  const refused = await client.workflow.start('lifecycle', {
    taskQueue: 'tuneline',
    workflowId: 'refused',
    args: [{}],
  });
  await expect(refused.result()).rejects.toThrow();
  // A worker that does not know a workflow fails its task, as one does whose code no longer fits it.
  await client.workflow.start('unheardOf', { taskQueue: 'tuneline', workflowId: 'stuck' });
  await client.workflow.execute('reconcile', { taskQueue: 'tuneline', workflowId: 'looks' });
  await fetch(`${consoleUrl}/api/lifecycles`);
  // Visibility is a moment behind.
  await until(
    async () => (await client.workflow.count("WorkflowType = 'lifecycle' AND ExecutionStatus = 'Failed'")).count === 1,
  );
  const worker = await until(async () => {
    const text = await scrape('worker');
    return text.includes('temporal_workflow_task_execution_failed_total{') && text;
  });
  const ofConsole = await scrape('console');

  const exposed = new Set([...namesIn(worker), ...namesIn(ofConsole), ...namesIn(await endpointMetrics()), afterJobs]);
  expect(queries.flatMap(namesUsed).filter((name) => !exposed.has(name))).toEqual([]);
  expect(valueOf(ofConsole, 'tuneline_lifecycles_last_day{outcome="failed"}')).toBe(1);
  expect(valueOf(ofConsole, 'tuneline_source_up{source="mlflow"}')).toBe(1);
  expect(valueOf(ofConsole, 'tuneline_record_disagrees{model="words",endpoint="main"}')).toBe(0);
  expect(valueOf(ofConsole, 'tuneline_record_disagrees{model="words",endpoint="other"}')).toBe(1);
  expect(valueOf(ofConsole, 'tuneline_model_age_days{model="words"}')).toBeCloseTo(10, 1);
  expect(valueOf(ofConsole, 'tuneline_model_maximum_age_days{model="words"}')).toBe(9);
  expect(
    valueOf(ofConsole, 'tuneline_console_request_seconds_count{method="GET",route="/api/lifecycles",status="401"}'),
  ).toBe(1);
});

test('the rules are as Prometheus takes them', () => {
  expect(rules.length).toBeGreaterThan(10);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const rule of rules) {
    expect(Object.keys(rule).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key))).toEqual(
      [],
    );
    expect(rule).toEqual(
      expect.objectContaining({
        alert: expect.stringMatching(/^Tuneline[A-Za-z]+$/),
        annotations: expect.objectContaining({ summary: expect.any(String) }),
      }),
    );
    expect(['warning', 'critical']).toContain(rule.labels.severity);
    expect(rule.for ?? '5m').toMatch(/^\d+[smh]$/);
  }
});

test.each([
  ['sum by (le, a) (rate(x_bucket{status=~"0|5.."}[5m])) / 2', ['x_bucket']],
  ['absent(a{b="c"}) or sum(d) == 0', ['a', 'd']],
  ['sum by (x) (a{b="c"} unless d offset 15m) > 0', ['a', 'd']],
  ['min_over_time(a[1h:5m]) unless on (x) group_left (y) b:c', ['a', 'b:c']],
])('the names in %s', (query, names) => expect(namesUsed(query)).toEqual(names));

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EndpointStatus, ReleaseReply } from '../../domain/endpoint/roll-out.ts';
import type { endpoint } from '../../workflows/endpoint.ts';
import { endpointStatusQuery, rollbackUpdate } from '../../workflows/messages.ts';
import type { reconcile } from '../../workflows/reconcile.ts';
import type { Redeploy, redeploy } from '../../workflows/redeploy.ts';
import { seeded } from '../faults/faults.ts';
import { ServingStack, serviceNames, type ServiceName } from '../support/serving-stack.ts';
import { until } from '../support/until.ts';
import { withClients, type Answer } from './roll-out-clients.ts';
import { lanes, careful, direct, type Step, steps, bad, pick, cameTo, good } from './roll-out-plan.ts';
import { untilScheduled } from './until-scheduled.ts';

/** A deploy for each seed, with a `kill -9` at a step of it; `TUNELINE_KILLS=200` asks for so many. */
const count = Number(process.env['TUNELINE_KILLS'] ?? 18);
const live = 'what is it';

let stack: ServingStack;
/** Version by label, of each lane's model. */
const versions = new Map<string, Map<string, string>>();

beforeAll(async () => {
  stack = await ServingStack.start(lanes);
  for (const lane of lanes) {
    const own = new Map<string, string>();
    for (const label of careful) own.set(label, await stack.register(lane, label));
    for (const label of direct) own.set(label, await stack.register(lane, label, { steps: [] }));
    own.set('failing', await stack.register(lane, 'failing', { fails: live }));
    own.set('forged', await stack.register(lane, 'forged', { isApproved: false }));
    own.set('changed', await stack.register(lane, 'changed'));
    await stack.tamperWith(lane, 'changed');
    versions.set(lane, own);
    await askByName(lane, 'first', -1);
  }
});
afterAll(() => stack.stop());

/** Whatever is killed comes back: what fails meanwhile is done again. */
const patiently = <T>(attempt: () => Promise<T>): Promise<T> =>
  until(() =>
    attempt().then(
      (value) => ({ value }),
      () => undefined,
    ),
  ).then(({ value }) => value);

interface Run {
  readonly seed: number;
  readonly victim: ServiceName;
  readonly step: Step;
  /** Whether the step was come to. */
  readonly isHit: boolean;
  readonly problems: readonly string[];
}

/** One deploy: by an alias that is set, or asked for by name; a service is killed at a step, and all is looked at once it is quiet. */
async function run(seed: number, lane: string): Promise<Run> {
  const random = seeded(seed);
  // Of 45 in a row each service is killed at each step once.
  const victim = serviceNames[seed % serviceNames.length] as ServiceName;
  const step = steps[seed % steps.length] as Step;
  const handle = stack.client.workflow.getHandle<typeof endpoint>(`endpoint-${lane}`);
  const status = (): Promise<EndpointStatus> => patiently(() => handle.query(endpointStatusQuery));
  const { servingState } = await status();
  const others = careful.filter((one) => version(lane, one) !== servingState.champion?.version);
  const label =
    step === 'noteRefusal'
      ? (bad[Math.floor(seed / steps.length) % bad.length] ?? '')
      : pick(random, random() < 0.7 ? others : cameTo(step));
  const byAlias = random() < 0.4;
  const sinceMs = Date.now();
  const over = new AbortController();
  const asked = byAlias ? askByAlias(lane, label, seed) : askByName(lane, label, seed);
  const killed = (async (): Promise<boolean> => {
    const watched = step === 'askEndpoint' && !byAlias ? redeployId(lane, seed) : handle.workflowId;
    const activity = byAlias && step === 'askEndpoint' ? 'readCandidate' : step;
    const isHit = await untilScheduled(stack.client, { workflowId: watched, activity, sinceMs }, over.signal).then(
      () => true,
      () => false,
    );
    await delay(random() * 150);
    await stack.kill(victim);
    if (random() < 0.1)
      await handle
        .executeUpdate(rollbackUpdate, { args: [{ requester: 'chance', because: 'it can' }] })
        .catch(() => undefined);
    return isHit;
  })();
  const reply = await asked;
  over.abort();
  const isHit = await killed;
  const problems = await until(async () => {
    const [before, found, after] = [await status(), await patiently(() => stack.disagreements(lane)), await status()];
    // An event that came late had it look once more meanwhile.
    return (
      isQuiet(before) &&
      isQuiet(after) &&
      before.ended.length === after.ended.length && [...found, ...judge(lane, label, reply, after)]
    );
  });
  return { seed, victim, step, isHit, problems };
}

function judge(
  lane: string,
  label: string,
  reply: ReleaseReply | undefined,
  { servingState, ended }: EndpointStatus,
): string[] {
  const champion = labelOf(lane, servingState.champion?.version);
  const times = reply && ended.filter(({ id }) => id === reply.id).length;
  return [
    champion !== undefined && good.includes(champion) ? '' : `${champion} is served`,
    times === undefined || times === 1 ? '' : `the request ended ${times} times`,
    bad.includes(label) && (reply?.ended === 'promoted' || reply?.ended === 'unchanged')
      ? `${label} was said to be served`
      : '',
  ].filter((one) => one !== '');
}

const redeployId = (lane: string, seed: number): string => `by-name-${lane}-${seed}`;

async function askByName(lane: string, label: string, seed: number): Promise<ReleaseReply> {
  const workflowId = redeployId(lane, seed);
  const args: [Redeploy] = [{ endpoint: lane, model: lane, version: version(lane, label), because: `seed ${seed}` }];
  await patiently(() =>
    stack.client.workflow
      .start<typeof redeploy>('redeploy', {
        taskQueue: 'tuneline',
        workflowId,
        args,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      })
      .catch(isThere),
  );
  return patiently(() => stack.client.workflow.getHandle<typeof redeploy>(workflowId).result());
}

/** MLflow tells the console, unless one of them is dead by then: `reconcile` finds what got lost. */
async function askByAlias(lane: string, label: string, seed: number): Promise<undefined> {
  await patiently(() => stack.tracking.setAlias(lane, 'champion', version(lane, label)));
  for (let i = 0; ; i++) {
    const looked = () =>
      stack.client.workflow.execute<typeof reconcile>('reconcile', {
        taskQueue: 'tuneline',
        workflowId: `reconcile-${lane}-${seed}-${i}`,
      });
    await patiently(() => looked().catch(isThere));
    const seen = await patiently(() =>
      stack.client.workflow.getHandle<typeof endpoint>(`endpoint-${lane}`).query(endpointStatusQuery),
    );
    if (
      isQuiet(seen) &&
      seen.servingState.champion?.version === (await patiently(() => stack.tracking.aliasVersion(lane, 'champion')))
    )
      return undefined;
    await delay(500);
  }
}

const isQuiet = ({ rollingOut, queue }: EndpointStatus): boolean => !rollingOut && queue.length === 0;

/** It was started, and only the answer got lost. */
function isThere(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
}

const version = (lane: string, label: string): string => versions.get(lane)?.get(label) ?? '';
const labelOf = (lane: string, wanted: string | undefined): string | undefined =>
  [...(versions.get(lane) ?? [])].find(([, one]) => one === wanted)?.[0];

const isGood = ({ lane, says }: Answer): boolean => good.some((label) => says.includes(`"${lane} ${label}"`));

test('an alias that somebody sets is served, and no client notices', async () => {
  const [lane = ''] = lanes;
  const tookMs: number[] = [];
  const answers = await withClients({ url: stack.url, lanes, says: live }, async () => {
    for (let i = 0; i < 10; i++) {
      const wanted = version(lane, direct[i % direct.length] ?? '');
      const startedMs = performance.now();
      await stack.tracking.setAlias(lane, 'champion', wanted);
      await until(async () =>
        (await stack.host.traffic(lane)).shares.every(({ release }) => release.version === wanted),
      );
      tookMs.push(Math.round(performance.now() - startedMs));
      await until(async () => (await stack.disagreements(lane)).length === 0);
    }
  });
  const failed = answers.filter(({ status }) => status !== 200);
  process.stderr.write(
    `${JSON.stringify({ aliasToServingMs: tookMs.toSorted((a, b) => a - b), requests: answers.length, failedRequests: failed.length })}\n`,
  );
  expect(failed).toEqual([]);
  expect(answers.filter((answer) => !isGood(answer))).toEqual([]);
});

test(
  'whatever is killed at whatever step, traffic, aliases and record agree, nothing unapproved is served, and no client notices but of the endpoint itself',
  async () => {
    const runs: Run[] = [];
    const seeds = Array.from({ length: count }, (_, seed) => seed);
    const answers = await withClients({ url: stack.url, lanes, says: live }, async () => {
      await Promise.all(
        lanes.map(async (lane) => {
          for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
            const ended = await run(seed, lane);
            runs.push(ended);
            process.stderr.write(
              `${runs.length} of ${count}: ${ended.victim} killed at ${ended.step}, seed ${seed}${ended.problems.map((problem) => `; ${problem}`).join('')}\n`,
            );
          }
        }),
      );
    });
    const isExcused = (answer: Answer): boolean =>
      stack.outages.some(({ fromMs, untilMs }) => answer.untilMs >= fromMs && answer.fromMs <= untilMs);
    const failed = answers.filter(({ status }) => status !== 200);
    const unexcused = failed.filter((answer) => !isExcused(answer));
    process.stderr.write(
      `${JSON.stringify({ runs: runs.length, hit: runs.filter(({ isHit }) => isHit).length, requests: answers.length, whileDown: failed.length - unexcused.length, failedRequests: unexcused.length })}\n`,
    );
    expect(runs.filter(({ problems }) => problems.length > 0)).toEqual([]);
    expect(unexcused).toEqual([]);
    expect(answers.filter((answer) => answer.status === 200 && !isGood(answer))).toEqual([]);
    expect(new Set(runs.map(({ victim }) => victim))).toEqual(new Set(serviceNames));
  },
  300_000 + count * 30_000,
);

import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Release } from '../domain/endpoint/release.ts';
import type {
  Candidate,
  EndpointStatus,
  ReleaseReply,
  ReleaseRequest,
  RollOutStatus,
} from '../domain/endpoint/roll-out.ts';
import { isSameRelease } from '../domain/endpoint/serving-state.ts';
import { endpointCalls, restoring } from './activity-options.ts';
import { describeEndpoint, describeRequest } from './describe-endpoint.ts';
import { endpointStatusQuery, releaseEndedSignal, releaseSignal, rollbackUpdate, withdrawSignal } from './messages.ts';
import { movesToNewBuilds } from './moves-to-new-builds.ts';
import { createMonitor, describeMonitor, type MonitorState } from './monitor.ts';
import { reasonOf, rollOut } from './roll-out.ts';

const { readCandidate, noteRefusal } = proxyActivities<Activities>(endpointCalls);
const { readServingState, applyServingState } = proxyActivities<Activities>(restoring);

export interface EndpointStart {
  readonly endpoint: string;
  /** What the execution before this one knew. */
  readonly known?: Pick<EndpointStatus, 'servingState' | 'queue' | 'ended'> & {
    /** The champion with its terms, where they are known. */
    readonly served?: Candidate;
    readonly monitor?: MonitorState;
  };
}

const takenBack = 'it was taken back by who had asked for it';

/** Who sends a request again within so many others hears how it ended, and starts nothing. */
const rememberedReplies = 50;

/** The one writer of an endpoint's traffic, aliases and record. Requests queue; it lives as long as the endpoint does. */
export async function endpoint({ endpoint: name, known }: EndpointStart): Promise<void> {
  let { servingState, queue, ended, served }: NonNullable<EndpointStart['known']> = known ?? {
    servingState: {},
    queue: [],
    ended: [],
  };
  let rollingOut: RollOutStatus | undefined;
  let stopped: string | undefined;
  const monitor = createMonitor(known?.monitor);
  show();

  setHandler(endpointStatusQuery, status);
  setHandler(releaseSignal, async (request) => {
    const reply = ended.find(({ id }) => id === request.id);
    if (reply) {
      await answer(request, reply);
      return;
    }
    if (rollingOut?.request.id === request.id || queue.some(({ id }) => id === request.id)) return;
    queue = [...queue, request];
    show();
  });
  setHandler(withdrawSignal, async (id) => {
    if (ended.some((reply) => reply.id === id)) return;
    if (rollingOut?.request.id === id) {
      stopped = takenBack;
      return;
    }
    const request = queue.find((one) => one.id === id);
    queue = queue.filter((one) => one !== request);
    // One that has not come yet is answered so when it does.
    await end(request, { id, ended: 'withdrawn', reason: 'it was taken back before its turn came' });
  });
  setHandler(
    rollbackUpdate,
    ({ requester, because }) => {
      const reason = `${requester} rolled back: ${because}`;
      const { previous } = servingState;
      if (rollingOut) {
        stopped = reason;
        return `what is rolled out now, ${describeRequest(rollingOut.request)}, is taken back`;
      }
      if (!previous) throw nothingBefore();
      goBack(previous, reason);
      return `version ${previous.version} of ${previous.model} is served again in a moment`;
    },
    {
      validator: ({ requester, because }) => {
        if (!requester || !because)
          throw ApplicationFailure.nonRetryable(
            'Say who rolls back, and why: {"requester": …, "because": …}.',
            'RollbackRefused',
          );
        if (!rollingOut && !servingState.previous) throw nothingBefore();
      },
    },
  );

  if (!known) await recover();
  for (;;) {
    monitor.follow(served, Date.now());
    if (await queued(monitor.due(Date.now()))) await takeNext();
    else await watch();
    show();
    if (!workflowInfo().continueAsNewSuggested) continue;
    await condition(allHandlersFinished);
    await monitor.settled();
    const watched = monitor.state();
    await continueAsNew<typeof endpoint>({
      endpoint: name,
      known: { servingState, queue, ended, served, monitor: watched },
    });
  }

  /** False once a window of live traffic has ended before anything was asked. */
  async function queued(withinMs: number | undefined): Promise<boolean> {
    if (withinMs !== undefined) return condition(() => queue.length > 0, withinMs);
    await condition(() => queue.length > 0);
    return true;
  }

  async function takeNext(): Promise<void> {
    const [request, ...others] = queue;
    if (!request) return;
    queue = others;
    const reply = await take(request);
    update(undefined);
    await end(request, reply);
  }

  async function watch(): Promise<void> {
    const action = await monitor.look();
    if (action?.kind === 'retrain') await monitor.retrain(action.because);
    if (action?.kind === 'rollback' && servingState.previous)
      goBack(servingState.previous, `the monitor rolled back: ${action.because}`);
  }

  function goBack({ model, version }: Release, because: string): void {
    queue = [
      {
        id: `rollback-${workflowInfo().runId}-${workflowInfo().historyLength}`,
        endpoint: name,
        model,
        version,
        atOnce: true,
        because,
      },
      ...queue,
    ];
  }

  /** An execution that was ended in the middle of a roll-out left the endpoint in the middle of it. */
  async function recover(): Promise<void> {
    await condition(() => queue.length > 0);
    servingState = await readServingState(name, queue[0]?.model ?? '');
    if (!servingState.champion) return;
    await applyServingState({ endpoint: name, next: servingState, before: servingState });
    const { model, version } = servingState.champion;
    // Serve a champion whose terms can't be read any more, but don't monitor it.
    served = await readCandidate({ endpoint: name, model, version }).catch((error: unknown) => {
      if (error instanceof ActivityFailure && !isCancellation(error)) return undefined;
      throw error;
    });
  }

  async function take(request: ReleaseRequest): Promise<ReleaseReply> {
    const { id } = request;
    stopped = undefined;
    update({ request, step: 'starting', findings: [] });
    try {
      const candidate = await readCandidate(request);
      if (!candidate) return await putBack(request, `champion names no version of ${request.model}.`);
      const { release } = candidate;
      const before = servingState.champion;
      if (before && isSameRelease(before, release)) {
        served = candidate;
        return { id, ended: 'unchanged', release, url: await mend(request) };
      }
      const end = await rollOut({
        endpoint: name,
        candidate,
        before: servingState,
        atOnce: request.atOnce ?? false,
        stopped: () => stopped,
        show: (change) => update(rollingOut && { ...rollingOut, ...change }),
      });
      servingState = end.servingState;
      if (end.ended === 'promoted') {
        served = candidate;
        if (request.atOnce && before) await noteRefusal(before.model, before.version, request.because);
        return { id, ended: 'promoted', release, url: end.url };
      }
      // A cancelled lifecycle is no refusal: a schedule may make the same candidate again.
      if (end.reason !== takenBack) await noteRefusal(release.model, release.version, end.reason);
      return { id, ended: end.ended, reason: end.reason };
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      return putBack(request, reasonOf(error));
    }
  }

  /** Whoever set the alias by hand finds it where it was, and with the version why. */
  async function putBack({ id, model, version }: ReleaseRequest, reason: string): Promise<ReleaseReply> {
    await noteRefusal(model, version, reason);
    await mend({ model });
    return { id, ended: 'refused', reason };
  }

  function mend({ model }: Pick<ReleaseRequest, 'model'>): Promise<string> {
    return applyServingState({ endpoint: name, next: servingState, before: servingState, model });
  }

  async function end(request: ReleaseRequest | undefined, reply: ReleaseReply): Promise<void> {
    ended = [...ended, reply].slice(-rememberedReplies);
    show();
    if (request) await answer(request, reply);
  }

  function update(change: RollOutStatus | undefined): void {
    rollingOut = change;
    show();
  }

  function show(): void {
    const watched = monitor.state();
    setCurrentDetails([describeEndpoint(status()), ...(watched ? describeMonitor(watched) : [])].join('\n'));
  }

  function status(): EndpointStatus {
    return { endpoint: name, servingState, queue, ended, rollingOut };
  }
}

async function answer({ replyTo }: ReleaseRequest, reply: ReleaseReply): Promise<void> {
  if (replyTo === undefined) return;
  await getExternalWorkflowHandle(replyTo)
    .signal(releaseEndedSignal, reply)
    // Who asked may have been terminated.
    .catch(() => undefined);
}

const nothingBefore = () =>
  ApplicationFailure.nonRetryable(
    'There is nothing to go back to: no release was served before this one.',
    'RollbackRefused',
  );

// It lives for ever, and would keep its first build for ever.
setWorkflowOptions(movesToNewBuilds, endpoint);

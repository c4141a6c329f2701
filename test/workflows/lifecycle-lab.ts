import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundle } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { Release } from '../../domain/endpoint/release.ts';
import type { ReleaseReply, ReleaseRequest } from '../../domain/endpoint/roll-out.ts';
import type { lifecycle } from '../../workflows/lifecycle.ts';
import { releaseEndedSignal } from '../../workflows/messages.ts';
import { releaseOf } from '../builders/releases.ts';
import { bundleWorkflows, createWorker, deafSinks, untilHistory } from '../support/temporal.ts';

export type LifecycleHandle = WorkflowHandle<typeof lifecycle>;

export const resultOf = (handle: LifecycleHandle) => handle.result();

/** Why it failed; a result is what the test then complains of. */
export const failureOf = (handle: LifecycleHandle): Promise<unknown> =>
  handle.result().catch((error: unknown) => error);

/** A Temporal server and one bundle; each lifecycle has a worker of its own, with its own activities. */
export class LifecycleLab {
  readonly #environment: TestWorkflowEnvironment;
  readonly #workflowBundle: WorkflowBundle;
  #started = 0;

  private constructor(environment: TestWorkflowEnvironment, workflowBundle: WorkflowBundle) {
    this.#environment = environment;
    this.#workflowBundle = workflowBundle;
  }

  static async open(starting: Promise<TestWorkflowEnvironment>, bundling = bundleWorkflows()): Promise<LifecycleLab> {
    return new LifecycleLab(await starting, await bundling);
  }

  /** Where its server listens, for a client that is a process. */
  get address(): string {
    return this.#environment.address;
  }

  close(): Promise<void> {
    return this.#environment.teardown();
  }

  /** Lets the server's time pass, in no time where it skips. */
  async sleep(ms: number): Promise<void> {
    await this.#environment.sleep(ms);
  }

  /** Starts a lifecycle on whatever JSON is given, and keeps a worker for it as long as `during` takes. */
  async run<T>(
    given: Activities,
    raw: unknown,
    during: (handle: LifecycleHandle) => Promise<T>,
    replyOf: (request: ReleaseRequest) => ReleaseReply | undefined | Promise<ReleaseReply> = (request) =>
      promotedReply(request),
  ): Promise<T> {
    const { client } = this.#environment;
    this.#started += 1;
    const name = `lifecycle-${this.#started}`;
    const activities: Activities = {
      ...given,
      // In place of the endpoint's execution, which would reply after hours.
      askEndpoint: async (request) => {
        await given.askEndpoint(request);
        const reply = await replyOf(request);
        if (reply) await client.workflow.getHandle(name).signal(releaseEndedSignal, reply);
      },
    };
    const worker = await createWorker(this.#environment, {
      taskQueue: name,
      workflowBundle: this.#workflowBundle,
      activities,
      sinks: deafSinks,
    });
    return worker.runUntil(async () =>
      during(
        await client.workflow.start<typeof lifecycle>('lifecycle', { taskQueue: name, workflowId: name, args: [raw] }),
      ),
    );
  }
}

export const promotedReply = (
  { id, endpoint, model, version = '1' }: ReleaseRequest,
  change: Partial<Release> = {},
): ReleaseReply => ({
  id,
  ended: 'promoted',
  release: releaseOf(version, { endpoint, model, ...change }),
  url: `http://127.0.0.1/${endpoint}`,
});

/** Only a review's reminders and deadline are timers. */
export const untilReviewIsAwaited = (handle: LifecycleHandle): Promise<boolean> =>
  untilHistory(handle, (events) => events.some((event) => event.timerStartedEventAttributes));

/** Until the workflow has not only been asked to end, but has seen it. */
export const untilCancelIsSeen = (handle: LifecycleHandle): Promise<boolean> =>
  untilHistory(handle, (events) => {
    const asked = events.findIndex((event) => event.workflowExecutionCancelRequestedEventAttributes);
    return asked >= 0 && events.slice(asked).some((event) => event.workflowTaskCompletedEventAttributes);
  });

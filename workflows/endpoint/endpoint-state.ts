import type {
  Candidate,
  EndpointStatus,
  ReleaseReply,
  ReleaseRequest,
  RollOutStatus,
} from '../../domain/endpoint/roll-out.ts';
import type { ServingState } from '../../domain/endpoint/serving-state.ts';

/** The part of the state that the endpoint's next execution starts with. */
export interface KeptState extends Pick<EndpointStatus, 'servingState' | 'queue' | 'ended'> {
  /** The champion with its terms; undefined if the terms can't be read. */
  readonly served?: Candidate;
}

/** Keep the last fifty replies: a request that is sent again gets its old reply and starts nothing. */
const rememberedReplies = 50;

/** The state of one endpoint. Every transition calls `onChange` with the new status. */
export class EndpointState {
  readonly endpoint: string;
  readonly #onChange: (status: EndpointStatus) => void;
  #kept: KeptState;
  #rollingOut: RollOutStatus | undefined;
  #stopReason: string | undefined;

  constructor(endpoint: string, kept: KeptState | undefined, onChange: (status: EndpointStatus) => void) {
    this.endpoint = endpoint;
    this.#kept = kept ?? { servingState: {}, queue: [], ended: [] };
    this.#onChange = onChange;
    this.show();
  }

  get status(): EndpointStatus {
    const { servingState, queue, ended } = this.#kept;
    return { endpoint: this.endpoint, servingState, queue, ended, rollingOut: this.#rollingOut };
  }

  get kept(): KeptState {
    return this.#kept;
  }

  get servingState(): ServingState {
    return this.#kept.servingState;
  }

  get queue(): readonly ReleaseRequest[] {
    return this.#kept.queue;
  }

  get rollingOut(): ReleaseRequest | undefined {
    return this.#rollingOut?.request;
  }

  /** Why the current roll-out must stop; undefined while it may go on. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  replyTo(id: string): ReleaseReply | undefined {
    return this.#kept.ended.find((reply) => reply.id === id);
  }

  enqueue(request: ReleaseRequest): void {
    this.#keep({ queue: [...this.queue, request] });
  }

  enqueueFirst(request: ReleaseRequest): void {
    this.#keep({ queue: [request, ...this.queue] });
  }

  /** Returns the removed request; undefined if it is not in the queue. */
  dequeue(id: string): ReleaseRequest | undefined {
    const request = this.queue.find((queued) => queued.id === id);
    this.#keep({ queue: this.queue.filter((queued) => queued !== request) });
    return request;
  }

  beginRollOut(request: ReleaseRequest): void {
    this.#stopReason = undefined;
    this.#rollingOut = { request, step: 'starting', findings: [] };
    this.show();
  }

  advanceRollOut(progress: Partial<Pick<RollOutStatus, 'step' | 'percent' | 'findings'>>): void {
    this.#rollingOut = this.#rollingOut && { ...this.#rollingOut, ...progress };
    this.show();
  }

  stopRollOut(reason: string): void {
    this.#stopReason = reason;
  }

  endRollOut(): void {
    this.#rollingOut = undefined;
    this.show();
  }

  restore(servingState: ServingState): void {
    this.#keep({ servingState });
  }

  serve(served: Candidate | undefined): void {
    this.#keep({ served });
  }

  recordReply(reply: ReleaseReply): void {
    this.#keep({ ended: [...this.#kept.ended, reply].slice(-rememberedReplies) });
  }

  show(): void {
    this.#onChange(this.status);
  }

  #keep(change: Partial<KeptState>): void {
    this.#kept = { ...this.#kept, ...change };
    this.show();
  }
}

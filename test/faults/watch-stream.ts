import type { ServerResponse } from 'node:http';
import type { EventFault } from './faults.ts';
import type { ApiObject, Change } from './api-object.ts';
import type { Filter } from './store.ts';

interface WatchEvent {
  readonly type: string;
  readonly object: { metadata?: { uid?: string; resourceVersion?: string } };
}

interface WatchOptions {
  readonly filter: Filter;
  readonly drawFault: () => EventFault | undefined;
  /** The object of a bookmark, where the client allows them. */
  readonly bookmark?: () => { metadata: { resourceVersion: string } };
  /** A line that the server itself sends: the Status of a 410. */
  readonly gone: object;
  readonly timeoutMs?: number;
}

/** How long a watch is idle before a bookmark, and an event is held back for another to overtake it. */
const idleMs = 3;

/** One open watch. What it sends is true, but for the faults drawn for each event. */
export class WatchStream {
  readonly #response: ServerResponse;
  readonly #options: WatchOptions;
  #held: { event: WatchEvent; fault: EventFault } | undefined;
  #idle: NodeJS.Timeout | undefined;
  #silent = false;

  constructor(response: ServerResponse, options: WatchOptions) {
    this.#response = response;
    this.#options = options;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const end =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => (this.#silent ? undefined : this.#end()), options.timeoutMs);
    response.on('close', () => {
      this.#silent = true;
      clearTimeout(end);
      clearTimeout(this.#idle);
    });
    this.#rest();
  }

  /** No byte more, and no end either: what a client sees when a load balancer forgets the connection. */
  goSilent(): void {
    this.#silent = true;
  }

  /** Where faults are over: a silent watch is cut, and its client may open another. */
  cutIfSilent(): void {
    if (this.#silent) this.#response.destroy();
  }

  sendExisting(object: ApiObject): void {
    if (this.#options.filter(object)) this.#send({ type: 'ADDED', object });
  }

  /** As a watch with a selector sees it: an object that no longer matches is deleted. */
  sendChange({ before, after, revision }: Change): void {
    const was = before !== undefined && this.#options.filter(before);
    const is = after !== undefined && this.#options.filter(after);
    if (is) this.#send({ type: was ? 'MODIFIED' : 'ADDED', object: after });
    else if (was)
      this.#send({
        type: 'DELETED',
        object: { ...before, metadata: { ...before.metadata, resourceVersion: String(revision) } },
      });
  }

  /** The server's own word that the revision is too old. It ends the stream then; a proxy in between may not. */
  sendGone({ end }: { readonly end: boolean }): void {
    this.#write({ type: 'ERROR', object: this.#options.gone });
    if (end) this.#end();
    this.#silent = true;
  }

  #send(event: WatchEvent): void {
    if (this.#silent) return;
    const fault = this.#options.drawFault();
    switch (fault) {
      case 'halfOpen':
        this.goSilent();
        return;
      case 'cut':
        this.#response.destroy();
        return;
      case 'end':
        this.#end();
        return;
      case 'goneInStream':
      case 'goneAndEnd':
        this.sendGone({ end: fault === 'goneAndEnd' });
        return;
      case 'truncate':
      case 'truncateAndEnd':
        this.#truncate(JSON.stringify(event), fault === 'truncate');
        return;
      case 'duplicate':
        this.#deliver(event);
        this.#deliver(event);
        return;
      case 'reorderAcross':
      case 'reorderSame':
        if (this.#held) this.#deliver(event);
        else this.#held = { event, fault };
        this.#rest();
        return;
      case undefined:
        this.#deliver(event);
    }
  }

  /** The event is lost either way; the stream goes on after it, or ends. */
  #truncate(line: string, goesOn: boolean): void {
    this.#response.write(line.slice(0, Math.floor(line.length / 2)) + (goesOn ? '\n' : ''));
    if (!goesOn) this.#end({ flush: false });
  }

  #deliver(event: WatchEvent): void {
    const { held } = this.#take();
    const sameObject = held?.event.object.metadata?.uid === event.object.metadata?.uid;
    const swapped = held && sameObject === (held.fault === 'reorderSame');
    const inOrder = held ? [held.event, event] : [event];
    for (const one of swapped ? inOrder.reverse() : inOrder) this.#write(one);
    this.#rest();
  }

  #take() {
    const held = this.#held;
    this.#held = undefined;
    return { held };
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const { held } = this.#take();
      if (held) this.#write(held.event);
      if (this.#options.bookmark) this.#write({ type: 'BOOKMARK', object: this.#options.bookmark() });
    }, idleMs);
  }

  #write(event: WatchEvent): void {
    if (!this.#silent) this.#response.write(`${JSON.stringify(event)}\n`);
  }

  #end({ flush } = { flush: true }): void {
    const { held } = this.#take();
    if (held && flush) this.#write(held.event);
    this.#silent = true;
    this.#response.end();
  }
}

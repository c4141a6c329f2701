/** A queue of names that may have changed, for one reader. A name is in the queue at most once. */
export class ChangeQueue {
  readonly #names = new Set<string>();
  #wake: (() => void) | undefined;

  push(name: string): void {
    this.#names.add(name);
    this.#wake?.();
  }

  async *drain(signal: AbortSignal): AsyncGenerator<string> {
    const onAbort = () => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        for (const name of this.#names) {
          this.#names.delete(name);
          yield name;
        }
        if (signal.aborted) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#names.size > 0 || signal.aborted) resolve();
        });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

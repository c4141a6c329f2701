/** Names that may have changed, handed to one reader; a name that waits already is not queued twice. */
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

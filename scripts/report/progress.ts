/** Progress on stderr: a line for each thing that happens, and on a terminal one more that changes in place. */
export class Progress {
  readonly #startedAt = performance.now();
  #shownBelow = false;
  #lastDetail = '';

  /** Something happened: stays on the screen. */
  line(text: string): void {
    this.#clear();
    process.stderr.write(`${this.#clock()} ${text}\n`);
  }

  /** Something goes on: replaced by the next. Without a terminal it is left out, but for every tenth part of a count. */
  detail(text: string, done?: number, total?: number): void {
    if (process.stderr.isTTY) {
      this.#clear();
      const columns = process.stderr.columns || 80;
      process.stderr.write(`${this.#clock()}   ${text}`.slice(0, columns - 1));
      this.#shownBelow = true;
      return;
    }
    if (done === undefined || total === undefined || total === 0) return;
    const part = `${text.split(' ', 1)[0]}${Math.floor((done / total) * 10)}`;
    if (part === this.#lastDetail) return;
    this.#lastDetail = part;
    process.stderr.write(`${this.#clock()}   ${text}\n`);
  }

  done(): void {
    this.#clear();
  }

  seconds = (): number => (performance.now() - this.#startedAt) / 1000;

  #clear(): void {
    if (this.#shownBelow) process.stderr.write('\r\x1b[2K');
    this.#shownBelow = false;
  }

  #clock(): string {
    return `[${this.seconds().toFixed(0).padStart(4)} s]`;
  }
}

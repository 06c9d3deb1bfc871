/** Wakes all functions that wait for a change of state. */
export class Changes {
  #waiting: (() => void)[] = [];

  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Wait until `happened()` is true; it is called after each change. */
  async until(happened: () => boolean): Promise<void> {
    while (!happened()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

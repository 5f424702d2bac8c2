/** What a pass has going on side by side, by what it is about. */
export class Running {
  readonly #tasks = new Map<string, Promise<void>>();

  get isEmpty(): boolean {
    return this.#tasks.size === 0;
  }

  has(key: string): boolean {
    return this.#tasks.has(key);
  }

  /** `task` sees to its own failures; `then` is done before it counts as ended. */
  add(key: string, task: Promise<void>, then: () => void): void {
    const running = task.finally(() => {
      this.#tasks.delete(key);
      then();
    });
    this.#tasks.set(key, running);
  }

  /** Until all that runs now has ended. */
  async all(): Promise<void> {
    await Promise.all(this.#tasks.values());
  }
}

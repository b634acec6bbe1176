// Whose turn it is to speak: the tab's that holds the lock of the shared name. The others queue, and the browser gives
// it to the next one as soon as its holder ends, in whatever way.

export interface Roles {
  /** It is this tab's turn, until it ends or is taken away. */
  speak: () => void;
  /** It is another tab's turn. */
  follow: () => void;
}

export class Turns {
  readonly #name: string;
  readonly #roles: Roles;
  #isEnded = false;
  #isPressing = false;
  #leaveQueue = new AbortController();
  #endTurn: (() => void) | undefined;

  constructor(name: string, roles: Roles) {
    this.#name = name;
    this.#roles = roles;
  }

  /** Runs until `end`; rejects where the page may not use locks, as in a sandbox. */
  async run(): Promise<void> {
    await this.#request({ ifAvailable: true });
    while (!this.#isEnded) {
      if (!this.#isPressing) this.#roles.follow();
      this.#leaveQueue = new AbortController();
      await this.#request(this.#isPressing ? { steal: true } : { signal: this.#leaveQueue.signal });
    }
  }

  /** Takes the turn away from the tab that has it. */
  press(): void {
    this.#isPressing = true;
    this.#leaveQueue.abort();
  }

  end(): void {
    this.#isEnded = true;
    this.#leaveQueue.abort();
    this.#endTurn?.();
  }

  async #request(options: LockOptions): Promise<void> {
    try {
      await navigator.locks.request(this.#name, options, (lock) => lock && this.#takeTurn());
    } catch (error) {
      // The queue was left, or the turn was taken away.
      if ((error as Error).name !== "AbortError") throw error;
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#isEnded) return;
    this.#isPressing = false;
    const turn = new Promise<void>((resolve) => {
      this.#endTurn = resolve;
    });
    this.#roles.speak();
    await turn;
  }
}

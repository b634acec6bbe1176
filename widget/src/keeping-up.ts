// Answers to searches with filters, kept up to date: asked for again in the background when an update leaves open what
// the service would answer now. At most one search of a call is under way, and the next one waits.

import type { Timeline } from "./frames.ts";
import type { Filters, Found } from "./timeline.ts";

export const PAUSE_MS = 1_000;
/** The longest wait where the service does not answer: each is twice as long as the one before. */
const PAUSE_MAX_MS = 30_000;

interface KeepingUpHost {
  /**
   * The answer on screen; nothing where there is none any more. Undefined while the agent's own search is under way, which
   * goes first: the service answers one at a time.
   */
  foundOf: (callId: string) => Found | null | undefined;
  ask: (callId: string, filters: Filters) => Promise<Timeline>;
  onFresh: (callId: string, filters: Filters, fresh: Timeline, isWhole: boolean) => void;
  wait: (ms: number) => Promise<void>;
}

export class KeepingUp {
  readonly #host: KeepingUpHost;
  /** By call, whether the fresh answer is to stand alone. */
  readonly #wanted = new Map<string, boolean>();
  readonly #running = new Set<string>();

  constructor(host: KeepingUpHost) {
    this.#host = host;
  }

  /** `isWhole`: of what was answered before nothing may stay. */
  want(callId: string, isWhole: boolean): void {
    this.#wanted.set(callId, isWhole || !!this.#wanted.get(callId));
    if (!this.#running.has(callId)) void this.#run(callId);
  }

  async #run(callId: string): Promise<void> {
    this.#running.add(callId);
    let pauseMs = PAUSE_MS;
    while (this.#wanted.has(callId)) {
      const found = this.#host.foundOf(callId);
      if (found === null) this.#wanted.delete(callId);
      if (found) {
        pauseMs = (await this.#ask(callId, found)) ? PAUSE_MS : Math.min(pauseMs * 2, PAUSE_MAX_MS);
      }
      await this.#host.wait(pauseMs);
    }
    this.#running.delete(callId);
  }

  async #ask(callId: string, { filters }: Found): Promise<boolean> {
    const isWhole = !!this.#wanted.get(callId);
    this.#wanted.delete(callId);
    try {
      this.#host.onFresh(callId, filters, await this.#host.ask(callId, filters), isWhole);
      return true;
    } catch {
      // The agent asked for nothing and is told nothing: it is tried again.
      this.want(callId, isWhole);
      return false;
    }
  }
}

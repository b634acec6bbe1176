// A tab without a socket: shows what the speaker tells it, and asks the service through the speaker.
import { JourneyError } from "../client.ts";
import type { Search, Timeline } from "../frames.ts";
import { attention, onAttention } from "./attention.ts";
import type { Told } from "./messages.ts";
import type { Tab } from "./tab.ts";

/** Longer than a speaker waits itself: only one that hangs lets it pass. */
const ANSWER_WAIT_MS = 20_000;

interface PendingSearch {
  resolve: (timeline: Timeline) => void;
  reject: (error: JourneyError) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Follower {
  readonly #tab: Tab;
  readonly #searches = new Map<number, PendingSearch>();
  readonly #stopped = new AbortController();
  #speaker: string | undefined;
  #lastRequest = 0;

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  start(): void {
    const { id: follower, post } = this.#tab;
    onAttention(() => post({ type: "attention", follower, attention: attention() }), this.#stopped.signal);
    this.#sayHello();
  }

  search(search: Search): Promise<Timeline> {
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    return new Promise((resolve, reject) => {
      const late = () =>
        this.#take(request)?.reject(new JourneyError("timeout", "The service did not answer in time."));
      this.#searches.set(request, { resolve, reject, timer: setTimeout(late, ANSWER_WAIT_MS) });
      this.#tab.post({ type: "search", follower: this.#tab.id, request, search });
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#giveUpSearches();
  }

  hear(told: Told): void {
    if (told.type === "speaking") {
      this.#speaker = told.speaker;
      this.#giveUpSearches();
      this.#sayHello();
    }
    // One that lost its turn may not have noticed yet.
    this.#speaker ??= told.speaker;
    if (told.speaker !== this.#speaker) return;
    switch (told.type) {
      case "connection":
        this.#tab.connected(told.connection);
        break;
      case "welcome":
        this.#tab.options.onWelcome?.(told.welcome);
        break;
      case "frame":
        void this.#show(told);
        break;
      case "answer":
        this.#take(told.request)?.resolve(told.timeline);
        break;
      case "problem":
        this.#take(told.request)?.reject(new JourneyError(told.code, told.text));
        break;
    }
  }

  #sayHello(): void {
    const showing = this.#tab.options.showing?.() ?? [];
    this.#tab.post({ type: "hello", follower: this.#tab.id, showing, attention: attention() });
  }

  async #show({ frame, receipt, announcer }: Extract<Told, { type: "frame" }>): Promise<void> {
    await this.#tab.show(frame, announcer);
    if (receipt !== undefined) this.#tab.post({ type: "painted", follower: this.#tab.id, receipt });
  }

  #take(request: number): PendingSearch | undefined {
    const search = this.#searches.get(request);
    this.#searches.delete(request);
    clearTimeout(search?.timer);
    return search;
  }

  #giveUpSearches(): void {
    for (const request of [...this.#searches.keys()]) {
      this.#take(request)?.reject(new JourneyError("offline", "The connection was lost."));
    }
  }
}

// A tab without a socket: shows what the speaker tells it, and asks the service through the speaker.
import type { Question } from "../frames.ts";
import { JourneyError, Requests } from "../requests.ts";
import { attention, onAttention } from "./attention.ts";
import type { Told } from "./messages.ts";
import type { Tab } from "./tab.ts";

/** Longer than a speaker waits itself: only one that hangs lets it pass. */
const ANSWER_WAIT_MS = 20_000;

export class Follower {
  readonly #tab: Tab;
  readonly #requests = new Requests(ANSWER_WAIT_MS);
  readonly #stopped = new AbortController();
  #speaker: string | undefined;

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  start(): void {
    const { id: follower, post } = this.#tab;
    onAttention(() => post({ type: "attention", follower, attention: attention() }), this.#stopped.signal);
    this.#sayHello();
  }

  ask<Answer>(question: Question): Promise<Answer> {
    const { id: follower, post } = this.#tab;
    return this.#requests.ask((request) => post({ type: "ask", follower, request, question }));
  }

  stop(): void {
    this.#stopped.abort();
    this.#requests.failAll();
  }

  hear(told: Told): void {
    if (told.type === "speaking") {
      this.#speaker = told.speaker;
      this.#requests.failAll();
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
      case "authenticated":
        this.#tab.options.onAuthenticated?.(told.authenticated);
        break;
      case "frame":
        void this.#show(told);
        break;
      case "answer":
        this.#requests.answer(told.request, told.answer);
        break;
      case "problem":
        this.#requests.fail(told.request, new JourneyError(told.code, told.text));
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
}

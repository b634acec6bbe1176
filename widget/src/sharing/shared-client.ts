// One socket for all tabs and elements of one origin that show the same agent's calls: the one whose turn it is speaks
// to the service, the others follow. Where a browser lacks locks or channels, each has a socket of its own.
import type { Connection, Credential } from "../client.ts";
import type { CallFrame, Question } from "../frames.ts";
import { offline } from "../requests.ts";
import { Follower } from "./follower.ts";
import type { Said, Told } from "./messages.ts";
import { nameOf } from "./name.ts";
import { Speaker } from "./speaker.ts";
import type { SharedClientOptions, Tab } from "./tab.ts";
import { Turns } from "./turns.ts";

export class SharedClient {
  readonly #options: SharedClientOptions;
  readonly #id = Math.random().toString(36).slice(2);
  #connection: Connection = { state: "idle" };
  #line: Speaker | Follower | undefined;
  #turns: Turns | undefined;
  #presence = new AbortController();
  #watch = new AbortController();

  constructor(options: SharedClientOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watch = new AbortController();
    const { signal } = this.#watch;
    // A page that is put to sleep must not keep the turn, nor be given it.
    document.addEventListener("freeze", () => this.#leave(), { signal });
    document.addEventListener("resume", () => void this.#join(), { signal });
    window.addEventListener("pagehide", () => this.#leave(), { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && void this.#join(), { signal });
    void this.#join();
  }

  stop(): void {
    this.#watch.abort();
    this.#leave();
    this.#connected({ state: "idle" });
  }

  /** Connects at once. A follower does it itself: its token may be better than the speaker's. */
  retryNow(): void {
    const { state } = this.#connection;
    if (this.#line instanceof Speaker) this.#line.retryNow();
    else if (state === "waiting" || state === "refused") this.#turns?.press();
  }

  /** The host has a fresh token. */
  authenticate(token: string): void {
    if (this.#line instanceof Speaker) this.#line.authenticate(token);
    else if (this.#connection.state === "refused") this.retryNow();
  }

  ask<Answer>(question: Question): Promise<Answer> {
    if (this.#line && this.#connection.state === "live") return this.#line.ask(question);
    return Promise.reject(offline());
  }

  async #join(): Promise<void> {
    this.#leave();
    this.#presence = new AbortController();
    const { signal } = this.#presence;
    this.#connected({ state: "connecting" });
    let token: Credential | undefined;
    try {
      token = await this.#options.token?.();
      const { endpoint, timeZone, agent } = this.#options;
      const name = await nameOf({ endpoint, timeZone, agent, token });
      if (!signal.aborted) await this.#share(name, token, signal);
    } catch {
      if (signal.aborted) return;
      // No secure context, a sandbox, or no token to say who this is.
      const alone = this.#tab("", () => {});
      this.#play(new Speaker(alone, token));
    }
  }

  async #share(name: string, token: Credential | undefined, signal: AbortSignal): Promise<void> {
    const channel = new BroadcastChannel(name);
    signal.addEventListener("abort", () => channel.close());
    channel.onmessage = ({ data }) => this.#hear(data);
    const tab = this.#tab(name, (message) => !signal.aborted && channel.postMessage(message));
    await holdUntil(signal, tab.lockOf(this.#id));
    if (signal.aborted) return;
    let fresh = token;
    const turns = new Turns(name, {
      speak: () => {
        this.#play(new Speaker(tab, fresh));
        fresh = undefined;
      },
      follow: () => {
        // It will be stale by the time it is this tab's turn.
        fresh = undefined;
        this.#play(new Follower(tab));
      },
    });
    this.#turns = turns;
    signal.addEventListener("abort", () => turns.end());
    await turns.run();
  }

  #leave(): void {
    this.#presence.abort();
    this.#line?.stop();
    this.#line = undefined;
    this.#turns = undefined;
  }

  #play(line: Speaker | Follower): void {
    this.#line?.stop();
    this.#line = line;
    line.start();
  }

  #hear(message: Said | Told): void {
    if (this.#line instanceof Speaker && "follower" in message) this.#line.hear(message);
    if (this.#line instanceof Follower && "speaker" in message) {
      if (message.to === undefined || message.to === this.#id) this.#line.hear(message);
    }
  }

  #tab(name: string, post: Tab["post"]): Tab {
    return {
      id: this.#id,
      options: this.#options,
      lockOf: (id) => `${name} ${id}`,
      post,
      connected: (connection) => this.#connected(connection),
      show: (frame, announcer) => this.#show(frame, announcer),
    };
  }

  #show(frame: CallFrame, announcer: string | undefined): unknown {
    const isQuiet = frame.type === "pop" && announcer !== this.#id;
    return this.#options.onCallFrame?.(isQuiet ? { ...frame, announce: false } : frame);
  }

  #connected(connection: Connection): void {
    if (connection.state === "connecting" && this.#connection.state === "connecting") return;
    this.#connection = connection;
    this.#options.onConnection?.(connection);
  }
}

/** Holds a lock until the signal; resolves once it is held. */
function holdUntil(signal: AbortSignal, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const hold = () => {
      resolve();
      return new Promise<void>((release) => signal.addEventListener("abort", () => release()));
    };
    navigator.locks.request(name, { signal }, hold).catch(reject);
  });
}

// Keeps one client in step with the element's settings: connects when there is someone to connect as,
// starts anew when the settings change, and hands frames to the element.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Connection, Credential } from "./client.ts";
import type { Authenticated, CallFrame, Pop, Question, Showing, Welcome } from "./frames.ts";
import { offline } from "./requests.ts";
import { SharedClient } from "./sharing/shared-client.ts";

export interface SessionSettings {
  endpoint: string;
  agent: string;
  token: string;
  getToken: (() => Credential | Promise<Credential>) | null;
  timeZone: string;
}

export interface SessionEvents {
  showing: () => Showing[];
  pops: () => Pop[];
  onConnection: (connection: Connection) => void;
  onWelcome: (welcome: Welcome) => void;
  onAuthenticated: (authenticated: Authenticated) => void;
  onCallFrame: (frame: CallFrame) => unknown;
}

const COUNTDOWN_MS = 1000;

export class Session implements ReactiveController {
  connection: Connection = { state: "idle" };
  readonly #host: ReactiveControllerHost & { isConnected: boolean };
  readonly #settings: () => SessionSettings;
  readonly #events: SessionEvents;
  #client: SharedClient | undefined;
  #current: SessionSettings | undefined;
  #countdown: ReturnType<typeof setInterval> | undefined;

  constructor(
    host: ReactiveControllerHost & { isConnected: boolean },
    settings: () => SessionSettings,
    events: SessionEvents,
  ) {
    this.#host = host;
    this.#settings = settings;
    this.#events = events;
    host.addController(this);
  }

  /** Moved elsewhere in the page: an element that comes back connects again. */
  hostConnected(): void {
    this.#host.requestUpdate();
  }

  hostUpdated(): void {
    this.#follow(this.#settings());
  }

  hostDisconnected(): void {
    this.#stop();
  }

  retryNow(): void {
    this.#client?.retryNow();
  }

  ask<Answer>(question: Question): Promise<Answer> {
    return this.#client ? this.#client.ask(question) : Promise.reject(offline());
  }

  #follow(next: SessionSettings): void {
    if (!this.#host.isConnected) return;
    const current = this.#current;
    if (current && sameSession(current, next)) {
      this.#current = next;
      // Hosts swap the token while we run; the session goes on with the fresh one.
      if (next.token && next.token !== current.token) this.#client?.authenticate(next.token);
      return;
    }
    this.#stop();
    const { endpoint, agent, token, getToken, timeZone } = next;
    if (!agent && !token && !getToken) return;
    this.#current = next;
    const url = socketUrl(endpoint);
    if (!url) {
      const text = `The endpoint “${endpoint}” is no address.`;
      this.#changed({ state: "refused", code: 0, text });
      return;
    }
    this.#client = new SharedClient({
      endpoint: url,
      timeZone,
      agent: agent || undefined,
      token: () => this.#token(),
      ...this.#events,
      onConnection: (connection) => this.#changed(connection),
    });
    this.#client.start();
  }

  #token(): Credential | undefined | Promise<Credential | undefined> {
    return this.#current?.getToken?.() || this.#current?.token || undefined;
  }

  #changed(connection: Connection): void {
    this.connection = connection;
    clearInterval(this.#countdown);
    if (connection.state === "waiting") {
      this.#countdown = setInterval(() => this.#host.requestUpdate(), COUNTDOWN_MS);
    }
    this.#events.onConnection(connection);
  }

  #stop(): void {
    this.#client?.stop();
    this.#client = undefined;
    this.#current = undefined;
    clearInterval(this.#countdown);
  }
}

/** A token alone begins no new session, unless there was nobody before. */
function sameSession(a: SessionSettings, b: SessionSettings): boolean {
  const isSame = a.endpoint === b.endpoint && a.agent === b.agent && a.timeZone === b.timeZone;
  return isSame && a.getToken === b.getToken && Boolean(a.token) === Boolean(b.token);
}

/** An absolute `ws:` URL of an endpoint that may be relative to the page, or be written with `http:`. */
function socketUrl(endpoint: string): string | undefined {
  const address = endpoint || "/v1/agent";
  if (!URL.canParse(address, document.baseURI)) return undefined;
  const url = new URL(address, document.baseURI);
  url.protocol = url.protocol.replace(/^http/, "ws");
  return url.href;
}

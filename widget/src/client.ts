// The connection to the service, usable without the element: connects, says hello, stays alive, comes back,
// acknowledges what arrives and matches answers to searches. It keeps no calls; `calls.ts` does.
import {
  type Authenticated,
  type CallFrame,
  type ClientFrame,
  decodeFrame,
  type ErrorFrame,
  type Question,
  type Reveal,
  type Search,
  type ServerFrame,
  type Showing,
  SUBPROTOCOL,
  type Timeline,
  type Welcome,
} from "./frames.ts";
import { Alarm, renewAfterMs } from "./lifetime.ts";
import { JourneyError, offline, Requests } from "./requests.ts";

export type * from "./frames.ts";
export { JourneyError } from "./requests.ts";

const WELCOME_WAIT_MS = 10_000;
const PONG_WAIT_MS = 10_000;
const ANSWER_WAIT_MS = 15_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** The service asks to come back (3000–3499) or to stay away (3500–3999). */
const STAY_AWAY = { from: 3500, to: 3999 };

export type Connection =
  | { state: "idle" }
  | { state: "connecting" }
  | { state: "live"; agent: string; node: string; session: string }
  | { state: "waiting"; retryAt: number }
  | { state: "refused"; code: number; text: string };

/** Who this is: a token of the identity provider, or a ticket that opens one session in its place. */
export type Credential = string | { ticket: string };

export interface JourneyClientOptions {
  /** `ws:` or `wss:` URL of the service's agent socket. */
  endpoint: string;
  timeZone: string;
  /** Names the agent where the service has no authentication; not sent when there is a token. */
  agent?: string | undefined;
  /**
   * Asked again at every connect, because hosts refresh tokens behind our back, and shortly before the token ends:
   * the open session goes on with the fresh one.
   */
  token?: () => Credential | undefined | Promise<Credential | undefined>;
  /** The open calls on screen, so that the service need not send them again. */
  showing?: () => Showing[];
  onConnection?: (connection: Connection) => void;
  onWelcome?: (welcome: Welcome) => void;
  /** A fresh token holds, and may allow something else. */
  onAuthenticated?: (authenticated: Authenticated) => void;
  /** Shows a frame; once the returned promise is settled, `rendered` is acknowledged. */
  onCallFrame?: (frame: CallFrame) => unknown;
}

/** Milliseconds until attempt number `attempt` (0 is the first): doubling, with the upper half left to chance. */
export function backoffMs(attempt: number, random = Math.random): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return Math.round(ceiling * (0.5 + random() / 2));
}

export class JourneyClient {
  readonly #options: JourneyClientOptions;
  readonly #requests = new Requests(ANSWER_WAIT_MS);
  readonly #renewal = new Alarm();
  #connection: Connection = { state: "idle" };
  #socket: WebSocket | undefined;
  #attempt = 0;
  /** The token that the session has, and how far the service's clock is ahead. */
  #token: string | undefined;
  #aheadMs = 0;
  #comeBackAt: number | undefined;
  #refusal: string | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #deadlineTimer: ReturnType<typeof setTimeout> | undefined;
  #heartbeatTimer: ReturnType<typeof setInterval> | undefined;
  readonly #onOnline = () => this.#connection.state === "waiting" && this.retryNow();

  constructor(options: JourneyClientOptions) {
    this.#options = options;
  }

  get connection(): Connection {
    return this.#connection;
  }

  start(): void {
    if (this.#connection.state !== "idle") return;
    // Only browsers say when the network is back.
    globalThis.addEventListener?.("online", this.#onOnline);
    void this.#connect();
  }

  stop(): void {
    globalThis.removeEventListener?.("online", this.#onOnline);
    this.#hangUp();
    this.#change({ state: "idle" });
  }

  /** Connects at once: after a refusal that the user wants to try again, or when the network is back. */
  retryNow(): void {
    if (this.#connection.state !== "waiting" && this.#connection.state !== "refused") return;
    void this.#connect();
  }

  /** Gives the open session a fresh token, and tries again where the last one was refused; a connect asks for its own. */
  authenticate(token: string): void {
    if (this.#connection.state === "live") this.#renew(token);
    if (this.#connection.state === "refused") this.retryNow();
  }

  search(search: Search): Promise<Timeline> {
    return this.ask({ type: "search", ...search });
  }

  /** A masked number in whole, where the token's scopes allow it. */
  reveal(reveal: Reveal): Promise<string> {
    return this.ask({ type: "reveal", ...reveal });
  }

  ask<Answer>(question: Question): Promise<Answer> {
    if (this.#connection.state !== "live") return Promise.reject(offline());
    return this.#requests.ask((request) => this.#send({ request, ...question }));
  }

  async #connect(): Promise<void> {
    this.#hangUp();
    this.#refusal = undefined;
    const attempt: Connection = { state: "connecting" };
    this.#change(attempt);
    let credential: Credential | undefined;
    try {
      credential = await this.#credential();
    } catch {
      if (this.#connection === attempt) this.#comeBack();
      return;
    }
    // While the host fetched the token, the client may have been stopped or started anew.
    if (this.#connection !== attempt) return;
    this.#open(credential);
  }

  async #credential(): Promise<Credential | undefined> {
    return this.#options.token?.();
  }

  #open(credential: Credential | undefined): void {
    const socket = new WebSocket(this.#options.endpoint, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#waitForFrame(WELCOME_WAIT_MS);
    this.#token = typeof credential === "string" ? credential : undefined;
    const { timeZone, agent, showing } = this.#options;
    socket.onopen = () => {
      const identity = typeof credential === "string" ? { token: credential } : (credential ?? { agent });
      this.#send({ type: "hello", ...identity, timeZone, showing: showing?.() ?? [] });
    };
    socket.onmessage = (event) => {
      const frame = decodeFrame(event.data);
      if (frame) this.#receive(frame, performance.now());
    };
    socket.onclose = (event) => this.#closed(event.code, event.reason);
  }

  #receive(frame: ServerFrame, receivedAt: number): void {
    // Any frame proves that the line lives, but only a welcome ends the wait for one.
    if (this.#connection.state === "live") this.#endWait();
    switch (frame.type) {
      case "welcome":
        this.#welcomed(frame);
        break;
      case "pop":
      case "update":
        void this.#acknowledge(frame, receivedAt);
        break;
      case "ended":
        this.#options.onCallFrame?.(frame);
        break;
      case "timeline":
        this.#requests.answer(frame.request, frame.timeline);
        break;
      case "revealed":
        this.#requests.answer(frame.request, frame.number);
        break;
      case "authenticated":
        this.#lasts(frame.expiresAt);
        this.#options.onAuthenticated?.(frame);
        break;
      case "error":
        this.#failed(frame);
        break;
      case "goodbye":
        this.#goodbye(frame.comeBackMs);
        break;
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#endWait();
    this.#attempt = 0;
    clearInterval(this.#heartbeatTimer);
    this.#heartbeatTimer = setInterval(() => this.#ping(), welcome.heartbeatSeconds * 1000);
    this.#aheadMs = Date.parse(welcome.serverTime) - Date.now();
    this.#lasts(welcome.expiresAt);
    this.#options.onWelcome?.(welcome);
    this.#change({ state: "live", agent: welcome.agent, node: welcome.node, session: welcome.session });
  }

  /** The session lasts as long as its token, unless a fresh one comes before. */
  #lasts(until: string | null | undefined): void {
    this.#renewal.clear();
    const restMs = until ? Date.parse(until) - (Date.now() + this.#aheadMs) : Number.NaN;
    const afterMs = renewAfterMs(restMs);
    if (afterMs !== undefined) this.#renewal.set(afterMs, () => void this.#askForFreshToken(until));
  }

  async #askForFreshToken(until: string | null | undefined): Promise<void> {
    const socket = this.#socket;
    // Tried again in what is left of the time: a host that cannot give one now may be able to in a moment.
    this.#lasts(until);
    const credential = await this.#credential().catch(() => undefined);
    // Neither the old token again nor a ticket prolongs a session.
    if (this.#socket !== socket || typeof credential !== "string" || credential === this.#token) return;
    this.#renew(credential);
  }

  #renew(token: string): void {
    this.#token = token;
    this.#send({ type: "authenticate", token });
  }

  async #acknowledge(frame: Exclude<CallFrame, { type: "ended" }>, receivedAt: number): Promise<void> {
    const callId = frame.type === "pop" ? frame.call.callId : frame.callId;
    const socket = this.#socket;
    const ack = (stage: "received" | "rendered") => {
      // Versions belong to one session: never acknowledge on the next one what came on this one.
      if (this.#socket !== socket) return;
      const ms = Math.round(performance.now() - receivedAt);
      this.#send({ type: "ack", callId, version: frame.version, stage, ms });
    };
    ack("received");
    await this.#options.onCallFrame?.(frame);
    ack("rendered");
  }

  #failed(error: ErrorFrame): void {
    if (error.request == null) {
      // The sentence explains the close that follows better than the close reason does.
      this.#refusal = error.text;
      return;
    }
    this.#requests.fail(error.request, new JourneyError(error.code, error.text));
  }

  #goodbye(comeBackMs: number): void {
    this.#comeBackAt = Date.now() + comeBackMs;
    // The node closes the socket itself; one that dies before doing so must not keep us.
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.#connect(), comeBackMs);
  }

  #ping(): void {
    this.#send({ type: "ping" });
    this.#waitForFrame(PONG_WAIT_MS);
  }

  /** A wait that is under way goes on: heartbeats that follow each other faster must not put off its end. */
  #waitForFrame(waitMs: number): void {
    this.#deadlineTimer ??= setTimeout(() => this.#lineIsDead(), waitMs);
  }

  #endWait(): void {
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimer = undefined;
  }

  #lineIsDead(): void {
    this.#hangUp();
    this.#comeBack();
  }

  #closed(code: number, reason: string): void {
    const refusal = this.#refusal || reason;
    const comeBackAt = this.#comeBackAt;
    this.#hangUp();
    if (code >= STAY_AWAY.from && code <= STAY_AWAY.to) {
      this.#change({ state: "refused", code, text: refusal || "The service refused this session." });
    } else {
      this.#comeBack(comeBackAt);
    }
  }

  #comeBack(at = Date.now() + backoffMs(this.#attempt)): void {
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => void this.#connect(), Math.max(0, at - Date.now()));
    this.#change({ state: "waiting", retryAt: at });
  }

  /** Lets go of the socket without waiting for its close handshake, which a dead line never finishes. */
  #hangUp(): void {
    clearTimeout(this.#retryTimer);
    this.#endWait();
    clearInterval(this.#heartbeatTimer);
    this.#renewal.clear();
    this.#comeBackAt = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#requests.failAll();
  }

  #send(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #change(connection: Connection): void {
    if (connection.state === "idle" && this.#connection.state === "idle") return;
    this.#connection = connection;
    this.#options.onConnection?.(connection);
  }
}

// The tab that holds the socket: passes on what it hears, answers followers, and acknowledges each frame once,
// whichever tab painted it first.
import { type Connection, type Credential, JourneyClient, type JourneyError } from "../client.ts";
import type { Authenticated, CallFrame, Question, Showing, Welcome } from "../frames.ts";
import { type Attention, attention } from "./attention.ts";
import type { News, Said } from "./messages.ts";
import type { Tab } from "./tab.ts";

export class Speaker {
  readonly #tab: Tab;
  readonly #client: JourneyClient;
  readonly #followers = new Map<string, Attention>();
  /** How to say that a frame was painted, by its receipt. */
  readonly #painted = new Map<number, () => void>();
  readonly #stopped = new AbortController();
  #welcome: Welcome | undefined;
  #lastReceipt = 0;

  /** `token` is a fresh one for the first connect; later ones ask for their own. */
  constructor(tab: Tab, token: Credential | undefined) {
    this.#tab = tab;
    let fresh = token;
    const { options } = tab;
    this.#client = new JourneyClient({
      ...options,
      token: () => {
        const first = fresh;
        fresh = undefined;
        return first ?? options.token?.();
      },
      onConnection: (connection) => this.#connected(connection),
      onWelcome: (welcome) => this.#welcomed(welcome),
      onAuthenticated: (authenticated) => this.#authenticated(authenticated),
      onCallFrame: (frame) => this.#receive(frame),
    });
  }

  start(): void {
    this.#tell({ type: "speaking" });
    this.#client.start();
  }

  retryNow(): void {
    this.#client.retryNow();
  }

  authenticate(token: string): void {
    this.#client.authenticate(token);
  }

  ask<Answer>(question: Question): Promise<Answer> {
    return this.#client.ask(question);
  }

  stop(): void {
    this.#stopped.abort();
    this.#client.stop();
  }

  hear(said: Said): void {
    switch (said.type) {
      case "hello":
        this.#meet(said.follower, said.attention);
        this.#bringUpToDate(said.follower, said.showing);
        break;
      case "attention":
        if (this.#followers.has(said.follower)) this.#followers.set(said.follower, said.attention);
        break;
      case "painted":
        this.#painted.get(said.receipt)?.();
        break;
      case "ask":
        void this.#answer(said.follower, said.request, said.question);
        break;
    }
  }

  /** A follower holds the lock of its own id for as long as it lives: once we get it, the follower is gone. */
  #meet(follower: string, attention: Attention): void {
    const isKnown = this.#followers.has(follower);
    this.#followers.set(follower, attention);
    if (isKnown) return;
    const gone = () => this.#followers.delete(follower);
    navigator.locks
      .request(this.#tab.lockOf(follower), { signal: this.#stopped.signal }, gone)
      .catch(() => {});
  }

  /** What the service does for a client that says hello, out of what is on screen here. */
  #bringUpToDate(to: string, showing: Showing[]): void {
    if (this.#welcome) this.#tell({ type: "welcome", welcome: this.#welcome }, to);
    for (const pop of this.#tab.options.pops()) {
      const shown = showing.find(({ callId }) => callId === pop.call.callId);
      const isSame = shown?.digest === pop.digest && Boolean(shown.ended) === (pop.call.state === "ended");
      if (!isSame) this.#tell({ type: "frame", frame: pop }, to);
    }
    this.#tell({ type: "connection", connection: this.#client.connection }, to);
  }

  async #answer(to: string, request: number, question: Question): Promise<void> {
    try {
      this.#tell({ type: "answer", request, answer: await this.#client.ask(question) }, to);
    } catch (error) {
      const { code, message: text } = error as JourneyError;
      this.#tell({ type: "problem", request, code, text }, to);
    }
  }

  #connected(connection: Connection): void {
    if (this.#stopped.signal.aborted) return;
    this.#tell({ type: "connection", connection });
    this.#tab.connected(connection);
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#tell({ type: "welcome", welcome });
    this.#tab.options.onWelcome?.(welcome);
  }

  /** Tabs that join later hear of it with the welcome. */
  #authenticated(authenticated: Authenticated): void {
    if (this.#welcome) this.#welcome = { ...this.#welcome, scopes: authenticated.scopes };
    this.#tell({ type: "authenticated", authenticated });
    this.#tab.options.onAuthenticated?.(authenticated);
  }

  #receive(frame: CallFrame): Promise<unknown> {
    this.#lastReceipt += 1;
    const receipt = this.#lastReceipt;
    const announcer = this.#announcer();
    // To copy a timeline for nobody takes time that the paint is waiting for; whoever joins is brought up to date.
    if (this.#followers.size > 0) this.#tell({ type: "frame", frame, receipt, announcer });
    const paintedThere = new Promise<void>((resolve) => this.#painted.set(receipt, resolve));
    const paintedHere = this.#tab.show(frame, announcer);
    return Promise.race([paintedHere, paintedThere]).finally(() => this.#painted.delete(receipt));
  }

  /** The tab the agent looks at; this one where that is as good as any. */
  #announcer(): string {
    const here: [string, Attention] = [this.#tab.id, attention()];
    const [id] = [...this.#followers].reduce((best, one) => (one[1] > best[1] ? one : best), here);
    return id;
  }

  #tell(news: News, to?: string): void {
    this.#tab.post({ ...news, speaker: this.#tab.id, to });
  }
}

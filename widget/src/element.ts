// The element: what hosts set and hear, and which view shows what. It holds state; it decides nothing about
// frames (`calls.ts`), timelines (`timeline.ts`) or the connection (`session.ts`).
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import {
  applyFrame,
  applySearch,
  beginSession,
  type CallOnScreen,
  type Calls,
  callIdOf,
  dismiss,
  isEnded,
  showing,
} from "./calls.ts";
import type { Connection, JourneyError } from "./client.ts";
import { type CallDesk, changed, type Desk, frontCall, untouched } from "./desk.ts";
import { Formats } from "./formats.ts";
import type { CallFrame, Ended, Interaction, Pop, Welcome } from "./frames.ts";
import { localeFrom, type Messages } from "./language.ts";
import { Languages } from "./languages.ts";
import { type Catalogue, catalogueWith, DEFAULT_CATALOGUE } from "./modes.ts";
import { Session } from "./session.ts";
import { styles } from "./styles/index.ts";
import { announcement } from "./views/announcement.ts";
import { CallPanel } from "./views/call-panel.ts";
import { details } from "./views/details.ts";
import { statusLine, waitingForCalls } from "./views/notices.ts";
import type { Scene } from "./views/scene.ts";
import { tabs } from "./views/tabs.ts";
import type { View } from "./views/toolbar.ts";

/** Below this the vertical timeline is shown; the style sheet's container queries use the same width. */
const WIDE_FROM_PX = 640;

const LAYOUTS = ["auto", "horizontal", "vertical"] as const;
export type Layout = (typeof LAYOUTS)[number];

interface OpenDetails {
  callId: string;
  interactionId: string;
}

export class CustomerJourney extends LitElement {
  static override styles = styles;

  /** WebSocket address of the service; by default `/v1/agent` where the page came from. */
  @property() endpoint = "";
  /** The agent's id, where the service runs without authentication. */
  @property() agent = "";
  /** A token, set anew by the host whenever it has a fresher one. */
  @property({ attribute: false }) token = "";
  /** Asked for a token at every connect; wins over `token`. */
  @property({ attribute: false }) getToken: (() => string | Promise<string>) | null = null;
  /** An IANA time zone; by default the browser's. */
  @property({ attribute: "time-zone" }) timeZone = "";
  /** Words of the host's own, over those of the language that `lang` names. */
  @property({ attribute: false }) messages: Partial<Messages> = {};
  /** `auto`, `light` or `dark`. */
  @property({ reflect: true }) theme = "auto";
  /** `auto`, `horizontal` or `vertical`. */
  @property({ reflect: true }) layout: Layout = "auto";

  @state() private calls: Calls = [];
  @state() private desk: Desk = new Map();
  @state() private catalogue: Catalogue = DEFAULT_CATALOGUE;
  @state() private connection: Connection = { state: "idle" };
  @state() private isWide = true;
  @state() private view: View = "timeline";
  @state() private chosenCall: string | null = null;
  @state() private opened: OpenDetails | null = null;
  /** Kept as it arrived, so that it is said in the language of the moment. */
  @state() private announced: Pop | null = null;

  #hasChosenView = false;
  #hasMeasured = false;
  #hasDetails = false;
  #agentShown = "";
  #formats: Formats | undefined;
  readonly #languages = new Languages(this);
  readonly #panel = new CallPanel(this);
  readonly #resize = new ResizeObserver(([entry]) => entry && this.#measured(entry.contentRect.width));
  readonly #session: Session = new Session(this, () => this.#settings(), {
    showing: () => showing(this.calls),
    onConnection: (connection) => this.#connectionChanged(connection),
    onWelcome: (welcome) => this.#welcomed(welcome),
    onCallFrame: (frame) => this.#receive(frame),
  });

  /** `lang` is the browser's own property: a change of it must be heard of. */
  static override get observedAttributes(): string[] {
    // biome-ignore lint/complexity/noThisInStatic: Lit finishes the class that is asked, not its base class.
    return [...super.observedAttributes, "lang"];
  }

  override attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    super.attributeChangedCallback(name, before, value);
    if (name === "lang") this.requestUpdate();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#measured(this.getBoundingClientRect().width);
    this.#resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
  }

  protected override willUpdate(changes: PropertyValues<this>): void {
    // One agent's customers are not for the next one's eyes.
    if (changes.get("agent")) this.#forgetCalls();
  }

  protected override updated(): void {
    const dialog = this.renderRoot.querySelector("dialog");
    if (this.#hasDetails && dialog && !dialog.open) dialog.showModal();
    if (!this.#hasDetails && dialog?.open) dialog.close();
  }

  protected override render(): TemplateResult {
    // While an agent reads the details of a call, no other call comes in front of it.
    const front = frontCall(this.calls, this.opened?.callId ?? this.chosenCall);
    const scene = this.#scene(front);
    const { tag, direction } = scene.language;
    return html`<div class="journey" part="base" lang=${tag} dir=${direction}>
      ${front ? tabs(scene, this.calls, front, { onChoose: this.#choose, onDismiss: this.#dismiss }) : nothing}
      ${front ? this.#callPanel(scene, front) : waitingForCalls(scene.language, this.connection)}
      ${statusLine(scene, this.connection, front?.timeline ?? null, () => this.#session.retryNow())}
      <p class="visually-hidden" role="status" aria-live="polite">${this.announced ? announcement(scene.language, this.announced) : nothing}</p>
      ${this.#details(scene)}
    </div>`;
  }

  #callPanel(scene: Scene, front: CallOnScreen): TemplateResult {
    return this.#panel.render(scene, {
      entry: front,
      desk: this.#deskOf(front),
      isLive: this.connection.state === "live",
      arrangement: this.#arrangement(),
      isTabbed: this.calls.length > 1,
      onDesk: (change) => this.#changeDesk(front, change),
      onSearch: (before) => void this.#search(front, before),
      onView: (view) => {
        this.#hasChosenView = true;
        this.view = view;
      },
    });
  }

  #arrangement(): "horizontal" | "vertical" | "grid" {
    if (this.layout === "horizontal" || this.isWide) return this.view === "grid" ? "grid" : "horizontal";
    return "vertical";
  }

  /**
   * Widening a panel that was narrow shows the grid, as does the vertical layout whenever it is wide;
   * a panel that was wide from the beginning shows the timeline. What the agent chose wins.
   */
  #measured(width: number): void {
    if (width === 0) return;
    const isWide = width >= WIDE_FROM_PX;
    const isWidened = this.#hasMeasured && isWide && !this.isWide;
    const isGrid = isWidened || (isWide && this.layout === "vertical");
    if (isGrid && !this.#hasChosenView && this.layout !== "horizontal") this.view = "grid";
    this.#hasMeasured = true;
    this.isWide = isWide;
  }

  #scene(front: CallOnScreen | undefined): Scene {
    const locale = localeFrom(this.lang, document.documentElement.lang, navigator.language);
    const language = this.#languages.of(locale, this.messages);
    const timeZone = front?.timeline?.timeZone ?? this.#zone();
    if (this.#formats?.timeZone !== timeZone || this.#formats.locale !== language.tag) {
      this.#formats = new Formats(language.tag, timeZone);
    }
    return {
      language,
      formats: this.#formats,
      catalogue: this.catalogue,
      now: Date.now(),
      contacts: front?.timeline?.contacts ?? [],
      onSelect: (interaction, opener) => front && this.#open(front, interaction, opener),
    };
  }

  #settings() {
    const { endpoint, agent, token, getToken } = this;
    return { endpoint, agent, token, getToken, timeZone: this.#zone() };
  }

  #zone(): string {
    return this.timeZone || Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  #connectionChanged(connection: Connection): void {
    this.connection = connection;
    this.#emit("connection-change", connection);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#agentShown && this.#agentShown !== welcome.agent) this.#forgetCalls();
    this.#agentShown = welcome.agent;
    this.calls = beginSession(this.calls);
    this.catalogue = catalogueWith(this.catalogue, welcome);
  }

  #receive(frame: CallFrame): Promise<boolean> {
    const before = this.calls;
    this.calls = applyFrame(before, frame);
    if (this.calls !== before) {
      if (frame.type === "pop") this.#popped(frame);
      const known = before.find(({ call }) => call.callId === callIdOf(frame));
      const entry = this.calls.find(({ call }) => call.callId === callIdOf(frame));
      if (known && !isEnded(known) && (!entry || isEnded(entry))) this.#callEnded(frame);
    }
    return this.updateComplete;
  }

  #popped(pop: Pop): void {
    const { call, announce } = pop;
    if (announce) this.announced = pop;
    this.#emit("pop", { call, announce });
  }

  #callEnded(frame: CallFrame): void {
    const callId = callIdOf(frame);
    // A call that is over no longer holds its place in front against the next one.
    if (this.chosenCall === callId) this.chosenCall = null;
    this.#emit("call-ended", { callId, reason: (frame as Partial<Ended>).reason ?? "ended" });
  }

  readonly #choose = (callId: string): void => {
    this.chosenCall = callId;
  };

  readonly #dismiss = (callId: string): void => {
    this.calls = dismiss(this.calls, callId);
  };

  #forgetCalls(): void {
    this.calls = [];
    this.desk = new Map();
    this.chosenCall = null;
    this.opened = null;
    this.announced = null;
  }

  #deskOf(entry: CallOnScreen): CallDesk {
    return this.desk.get(entry.call.callId) ?? untouched(entry);
  }

  #changeDesk(entry: CallOnScreen, change: Partial<CallDesk>): void {
    this.desk = changed(this.desk, this.calls, entry, change);
  }

  async #search(entry: CallOnScreen, before?: string): Promise<void> {
    const { callId } = entry.call;
    const { filters } = this.#deskOf(entry);
    this.#changeDesk(entry, { isSearching: true, searchProblem: null });
    const { campaign, channel, months } = filters;
    const question = {
      callId,
      months,
      ...(campaign === null ? {} : { campaign }),
      ...(channel === null ? {} : { channel }),
      ...(before === undefined ? {} : { before }),
    };
    try {
      const answer = await this.#session.search(question);
      this.calls = applySearch(this.calls, callId, filters, answer, before !== undefined);
      this.#changeDesk(entry, { isSearching: false });
    } catch (error) {
      this.#changeDesk(entry, { isSearching: false, searchProblem: error as JourneyError });
    }
  }

  #open(front: CallOnScreen, interaction: Interaction, opener: HTMLElement): void {
    // The dialog gives the focus back to whatever had it; not every browser focuses a button that is clicked.
    opener.focus({ preventScroll: true });
    const { callId } = front.call;
    this.opened = { callId, interactionId: interaction.interactionId };
    this.#emit("item-selected", { callId, interaction });
  }

  #details(scene: Scene): TemplateResult {
    const close = () => {
      this.opened = null;
    };
    // A click beside the box hits the dialog itself.
    const onClick = (event: Event) => event.target === event.currentTarget && close();
    return html`<dialog class="details" part="details" aria-labelledby="details-title" @close=${close} @click=${onClick}>
      <div class="details-box">${this.#detailsBox(scene, close)}</div>
    </dialog>`;
  }

  #detailsBox(scene: Scene, close: () => void): TemplateResult | typeof nothing {
    const { opened } = this;
    this.#hasDetails = false;
    const day = opened ? this.#panel.dayOf(opened.interactionId) : undefined;
    const interaction = day?.find(({ interactionId }) => interactionId === opened?.interactionId);
    // It may have been removed, or filtered away, while it was open.
    if (!opened || !day || !interaction) return nothing;
    this.#hasDetails = true;
    const show = (next: Interaction) => {
      this.opened = { ...opened, interactionId: next.interactionId };
      this.#emit("item-selected", { callId: opened.callId, interaction: next });
    };
    return details(scene, interaction, day, { show, close });
  }

  #emit(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

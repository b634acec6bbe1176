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
  pops,
  showing,
} from "./calls.ts";
import type { Connection } from "./client.ts";
import { type CallDesk, changed, type Desk, frontCall, untouched } from "./desk.ts";
import type { CustomerJourneyEventMap } from "./events.ts";
import { Formats } from "./formats.ts";
import type { CallFrame, Ended, Interaction, Pop, Welcome } from "./frames.ts";
import { type Catalogue, catalogueWith, DEFAULT_CATALOGUE } from "./modes.ts";
import { painted } from "./painted.ts";
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

/**
 * The customer's journey on the agent's screen when a call arrives. It connects once it has an `agent`, a `token` or a
 * `getToken`, fills its container, shows the next call by itself, and never takes the focus.
 *
 * @tag customer-journey
 *
 * @fires {CustomEvent<Connection>} connection-change - The connection to the service is another: `idle`, `connecting`, `live`, `waiting`, `refused`.
 * @fires {CustomEvent<{ call: Call, announce: boolean }>} pop - A call came on screen; `announce` in the one tab that is to make something of it.
 * @fires {CustomEvent<{ callId: string, reason: string }>} call-ended - A call is over: `ended`, `taken`, `retracted`, `expired`.
 * @fires {CustomEvent<{ callId: string, interaction: Interaction }>} item-selected - The agent opened an interaction.
 *
 * @csspart base - The frame of the element.
 * @csspart tabs - The tabs, where there are several calls.
 * @csspart call - The call in front.
 * @csspart header - Number, direction and state of the call.
 * @csspart state - The state of the call.
 * @csspart brief - The summary above the timeline.
 * @csspart toolbar - Filters, count and views.
 * @csspart filter - One filter.
 * @csspart notice - A sentence about what is not there.
 * @csspart timeline - The timeline.
 * @csspart day - The interactions of one day.
 * @csspart interaction - One interaction on the timeline.
 * @csspart mode - The icon of an interaction's mode.
 * @csspart outcome - How an interaction ended.
 * @csspart grid - The interactions as a table.
 * @csspart details - The pop-up with all fields of one interaction.
 * @csspart blank - What stands in the middle when there is nothing to list.
 * @csspart status - The last line: connection, sources, time zone.
 *
 * @cssprop --journey-font - Font family.
 * @cssprop --journey-text - Text.
 * @cssprop --journey-text-quiet - Text of lesser weight.
 * @cssprop --journey-surface - Background.
 * @cssprop --journey-surface-raised - Background of cards and controls.
 * @cssprop --journey-border - Lines.
 * @cssprop --journey-radius - Rounding of corners.
 * @cssprop --journey-accent - What can be used or is chosen.
 * @cssprop --journey-on-accent - Text on the accent.
 * @cssprop --journey-failure - Outcomes of the class failure.
 * @cssprop --journey-success - Outcomes of the class success.
 * @cssprop --journey-green - Modes whose colour is green.
 * @cssprop --journey-blue - Modes whose colour is blue.
 * @cssprop --journey-amber - Modes whose colour is amber.
 * @cssprop --journey-violet - Modes whose colour is violet.
 * @cssprop --journey-teal - Modes whose colour is teal.
 * @cssprop --journey-indigo - Modes whose colour is indigo.
 * @cssprop --journey-grey - Modes whose colour is grey.
 */
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
  /** `auto`, `light` or `dark`. */
  @property({ reflect: true }) theme = "auto";
  /**
   * `auto`: vertical below 640 px; a panel that is widened shows the grid, one that was wide from the beginning the
   * timeline. `horizontal`: whatever the width. `vertical`: as `auto`, but the grid whenever it is wide.
   */
  @property({ reflect: true }) layout: Layout = "auto";

  @state() private calls: Calls = [];
  @state() private desk: Desk = new Map();
  @state() private catalogue: Catalogue = DEFAULT_CATALOGUE;
  @state() private connection: Connection = { state: "idle" };
  @state() private isWide = true;
  @state() private view: View = "timeline";
  @state() private chosenCall: string | null = null;
  @state() private opened: OpenDetails | null = null;
  @state() private spoken = "";

  #hasChosenView = false;
  #hasMeasured = false;
  #hasDetails = false;
  #agentShown = "";
  #formats: Formats | undefined;
  readonly #panel = new CallPanel(this);
  readonly #resize = new ResizeObserver(([entry]) => entry && this.#measured(entry.contentRect.width));
  readonly #session: Session = new Session(this, () => this.#settings(), {
    showing: () => showing(this.calls),
    pops: () => pops(this.calls),
    onConnection: (connection) => this.#connectionChanged(connection),
    onWelcome: (welcome) => this.#welcomed(welcome),
    onCallFrame: (frame) => this.#receive(frame),
  });

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
    return html`<div class="journey" part="base">
      ${front ? tabs(this.calls, front, { onChoose: this.#choose, onDismiss: this.#dismiss }) : nothing}
      ${front ? this.#callPanel(scene, front) : waitingForCalls(this.connection)}
      ${statusLine(scene, this.connection, front?.timeline ?? null, () => this.#session.retryNow())}
      <p class="visually-hidden" role="status" aria-live="polite">${this.spoken}</p>
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
    const locale = this.lang || document.documentElement.lang || navigator.language;
    const timeZone = front?.timeline?.timeZone ?? this.#zone();
    if (this.#formats?.timeZone !== timeZone || this.#formats.locale !== locale) {
      this.#formats = new Formats(locale, timeZone);
    }
    return {
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

  #receive(frame: CallFrame): Promise<void> {
    const before = this.calls;
    this.calls = applyFrame(before, frame);
    if (this.calls !== before) {
      if (frame.type === "pop") this.#popped(frame);
      const known = before.find(({ call }) => call.callId === callIdOf(frame));
      const entry = this.calls.find(({ call }) => call.callId === callIdOf(frame));
      if (known && !isEnded(known) && (!entry || isEnded(entry))) this.#callEnded(frame);
    }
    return this.updateComplete.then(painted);
  }

  #popped({ call, announce, timeline }: Pop): void {
    if (announce) this.spoken = announcement(call, timeline);
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
    this.spoken = "";
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
      this.#changeDesk(entry, { isSearching: false, searchProblem: (error as Error).message });
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

  #emit<Type extends keyof CustomerJourneyEventMap>(
    type: Type,
    detail: CustomerJourneyEventMap[Type]["detail"],
  ): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

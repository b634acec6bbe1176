// The element: what hosts set and hear, and which view shows what. It holds state; it decides nothing about
// frames (`calls.ts`), timelines (`timeline.ts`) or the connection (`session.ts`).
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { Asking } from "./asking.ts";
import {
  applyFrame,
  arrivedSince,
  beginSession,
  type CallOnScreen,
  type Calls,
  callIdOf,
  dismiss,
  isEnded,
  keep,
  lookedAt,
  pops,
  showing,
  withCall,
} from "./calls.ts";
import type { Connection, Credential } from "./client.ts";
import { type CallDesk, changed, type Desk, frontCall, onScreen, untouched } from "./desk.ts";
import type { CustomerJourneyEventMap } from "./events.ts";
import { Formats } from "./formats.ts";
import type { CallFrame, Ended, Interaction, Pop, Welcome } from "./frames.ts";
import { localeFrom, type Messages } from "./language.ts";
import { Languages } from "./languages.ts";
import type { Layout } from "./layout.ts";
import { recallFilters, rememberFilters } from "./memory.ts";
import { type Catalogue, catalogueWith, DEFAULT_CATALOGUE } from "./modes.ts";
import { painted } from "./painted.ts";
import { ALL_RIGHTS, type Rights, renewed, rightsOf } from "./rights.ts";
import { Session } from "./session.ts";
import { styles } from "./styles/index.ts";
import { dateIn, EVERYTHING, type Filters, filtersSet } from "./timeline.ts";
import { announcement } from "./views/announcement.ts";
import { Arranging } from "./views/arranging.ts";
import { CallPanel } from "./views/call-panel.ts";
import { DetailsPopUp } from "./views/details-pop-up.ts";
import { statusLine, waitingForCalls } from "./views/notices.ts";
import { ReadingPlace } from "./views/reading-place.ts";
import { peopleBehind, type Scene } from "./views/scene.ts";
import { type TabActions, tabs } from "./views/tabs.ts";

/**
 * The customer's journey on the agent's screen when a call arrives. It connects once it has an `agent`, a `token` or a
 * `getToken`, fills its container, shows the next call by itself, and never takes the focus.
 *
 * @tag customer-journey
 *
 * @fires {CustomEvent<Connection>} connection-change - The connection to the service is another: `idle`, `connecting`, `live`, `waiting`, `refused`.
 * @fires {CustomEvent<{ call: Call, announce: boolean }>} pop - A call came on screen; `announce` in the one tab that is to make something of it.
 * @fires {CustomEvent<{ callId: string, reason: string }>} call-ended - A call is over: `ended`, `taken`, `retracted`, `expired`.
 * @fires {CustomEvent<{ callId: string | null }>} active-call-change - Another call is in front, or none.
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

  /** Declared here and not by decorators, whose code would be in the module for nothing else. */
  static override properties = {
    endpoint: {},
    agent: {},
    token: { attribute: false },
    getToken: { attribute: false },
    timeZone: { attribute: "time-zone" },
    messages: { attribute: false },
    theme: { reflect: true },
    layout: { reflect: true },
    activeCall: { attribute: "active-call", reflect: true },
    calls: { attribute: false },
    desk: { attribute: false },
    catalogue: { attribute: false },
    rights: { attribute: false },
    connection: { attribute: false },
    announced: { attribute: false },
  };

  /** WebSocket address of the service; by default `/v1/agent` where the page came from. */
  endpoint = "";
  /** The agent's id, where the service runs without authentication. */
  agent = "";
  /** A token, set anew by the host whenever it has a fresher one. */
  token = "";
  /** Asked for a token, or a `{ ticket }`, at every connect and before the token ends; wins over `token`. */
  getToken: (() => Credential | Promise<Credential>) | null = null;
  /** An IANA time zone; by default the browser's. */
  timeZone = "";
  /** Words of the host's own, over those of the language that `lang` names. */
  messages: Partial<Messages> = {};
  /** `auto`, `light` or `dark`. */
  theme = "auto";
  /**
   * `auto`: vertical below 640 px; a panel that is widened shows the grid, one that was wide from the beginning the
   * timeline. `horizontal`: whatever the width. `vertical`: as `auto`, but the grid whenever it is wide.
   */
  layout: Layout = "auto";
  /** The id of the call to have in front, chosen by the host or the agent; without one the newest open call is. */
  activeCall: string | null = null;

  private calls: Calls = [];
  private desk: Desk = new Map();
  private catalogue: Catalogue = DEFAULT_CATALOGUE;
  private rights: Rights = ALL_RIGHTS;
  private connection: Connection = { state: "idle" };
  /** Kept as it arrived, so that it is said in the language of the moment. */
  private announced: Pop | null = null;

  readonly #browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  #agentShown = "";
  #frontShown = "";
  #kept: Filters = EVERYTHING;
  #formats: Formats | undefined;
  readonly #languages = new Languages(this);
  readonly #panel = new CallPanel(this);
  readonly #details = new DetailsPopUp(this, {
    dayOf: (interactionId) => this.#panel.dayOf(interactionId),
    onShow: (callId, interaction) => this.#shown(callId, interaction),
    onClose: () => this.#caughtUp(),
  });
  readonly #place = new ReadingPlace(
    () => this.renderRoot,
    () => this.#caughtUp(),
  );
  readonly #arranging = new Arranging(this, () => this.layout);
  readonly #session: Session = new Session(this, () => this.#settings(), {
    showing: () => showing(this.calls),
    pops: () => pops(this.calls),
    onConnection: (connection) => this.#connectionChanged(connection),
    onWelcome: (welcome) => this.#welcomed(welcome),
    onAuthenticated: (authenticated) => {
      this.rights = renewed(this.rights, authenticated);
    },
    onCallFrame: (frame) => this.#receive(frame),
  });
  readonly #asking = new Asking({
    ask: (question) => this.#session.ask(question),
    deskOf: (entry) => this.#deskOf(entry),
    onDesk: (entry, change) => this.#changeDesk(entry, change),
    calls: () => (this.isConnected ? this.calls : []),
    onAnswer: (calls) =>
      this.#place.keep(() => {
        this.calls = calls;
        return this.updateComplete;
      }),
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

  protected override willUpdate(changes: PropertyValues<this>): void {
    // One agent's customers are not for the next one's eyes.
    if (changes.get("agent")) this.#forgetCalls();
    this.desk = onScreen(this.desk, this.calls);
  }

  protected override render(): TemplateResult {
    const front = this.#front();
    const scene = this.#scene(front);
    const { tag, direction } = scene.language;
    return html`<div class="journey" part="base" lang=${tag} dir=${direction} @scroll=${this.#place.onScroll}>
      ${front ? tabs(scene, this.calls, front, this.#tabActions) : nothing}
      ${front ? this.#callPanel(scene, front) : waitingForCalls(scene.language, this.connection)}
      ${statusLine(scene, this.connection, front?.timeline ?? null, () => this.#session.retryNow())}
      <p class="visually-hidden" role="status" aria-live="polite">${this.announced ? announcement(scene.language, this.announced) : nothing}</p>
      ${this.#details.render(scene)}
    </div>`;
  }

  #callPanel(scene: Scene, front: CallOnScreen): TemplateResult {
    return this.#panel.render(scene, {
      entry: front,
      desk: this.#deskOf(front),
      isLive: this.connection.state === "live",
      arrangement: this.#arranging.arrangement,
      width: this.#arranging.width,
      isTabbed: this.calls.length > 1,
      onDesk: (change) => this.#changeDesk(front, change),
      onSearch: (from) => void this.#asking.search(front, from),
      onView: (view) => this.#arranging.choose(view),
      onNews: () => void this.#showNews(front),
      onReveal: () => void this.#asking.reveal(front),
    });
  }

  #scene(front: CallOnScreen | undefined): Scene {
    const locale = localeFrom(this.lang, document.documentElement.lang, navigator.language);
    const language = this.#languages.of(locale, this.messages);
    const timeZone = front?.timeline?.timeZone ?? this.#zone();
    const now = Date.now();
    if (this.#formats?.timeZone !== timeZone || this.#formats.locale !== language.tag) {
      this.#formats = new Formats(language.tag, timeZone);
    }
    return {
      language,
      formats: this.#formats,
      catalogue: this.catalogue,
      rights: this.rights,
      now,
      today: dateIn(timeZone, now),
      ...peopleBehind(front?.timeline ?? front?.found?.timeline),
      marks: front?.marks ?? new Map(),
      onSelect: (interaction, opener) => front && this.#details.open(front.call.callId, interaction, opener),
    };
  }

  #settings() {
    const { endpoint, agent, token, getToken } = this;
    return { endpoint, agent, token, getToken, timeZone: this.#zone() };
  }

  #zone(): string {
    return this.timeZone || this.#browserZone;
  }

  #connectionChanged(connection: Connection): void {
    this.connection = connection;
    this.#emit("connection-change", connection);
  }

  #welcomed(welcome: Welcome): void {
    if (this.#agentShown && this.#agentShown !== welcome.agent) this.#forgetCalls();
    this.#agentShown = welcome.agent;
    this.#kept = recallFilters(welcome.agent);
    this.calls = beginSession(this.calls);
    this.catalogue = catalogueWith(this.catalogue, welcome);
    this.rights = rightsOf(welcome);
  }

  async #receive(frame: CallFrame): Promise<void> {
    const before = this.calls;
    const front = this.#front();
    const restorePlace = this.#place.hold();
    const isReading = front !== undefined && this.#isReading(front);
    this.calls = applyFrame(before, frame);
    if (this.calls !== before) {
      if (frame.type === "pop") this.#popped(frame);
      const [known, entry] = [before, this.calls].map((calls) => withCall(calls, callIdOf(frame)));
      this.#asking.heard(known, frame);
      if (known && !isEnded(known) && (!entry || isEnded(entry))) this.#callEnded(frame);
      // While an agent reads, no other call comes in front.
      if (!known && isReading && !isEnded(front)) this.activeCall = front.call.callId;
      if (known && entry && (isReading || known !== front))
        this.#addUnseen(entry, arrivedSince(known, entry));
    }
    await this.updateComplete;
    restorePlace();
    await painted();
  }

  /** Looks at something other than the newest: its news wait, and other calls do not push in front. */
  #isReading(front: CallOnScreen): boolean {
    const { filters, contactId, hidden } = this.#deskOf(front);
    const months = front.timeline?.period.months ?? filters.months;
    const isNarrowed = contactId !== null || hidden.size > 0 || filtersSet(filters, months).length > 0;
    const isElsewhere = this.#place.isAway || !this.#panel.isNewestFirst;
    return this.#details.callId !== null || isNarrowed || isElsewhere;
  }

  #addUnseen(entry: CallOnScreen, arrived: string[]): void {
    const { unseen } = this.#deskOf(entry);
    const left = unseen.filter((id) => entry.marks.has(id));
    if (unseen.length + arrived.length > 0) this.#changeDesk(entry, { unseen: [...left, ...arrived] });
  }

  /** The agent is back at the newest, where nothing is unseen. */
  readonly #caughtUp = (): void => {
    const front = this.#front();
    if (!front || this.#deskOf(front).unseen.length === 0 || this.#isReading(front)) return;
    this.#changeDesk(front, { unseen: [] });
  };

  async #showNews(front: CallOnScreen): Promise<void> {
    const { unseen } = this.#deskOf(front);
    const months = front.timeline?.period.months ?? EVERYTHING.months;
    const everything = { filters: { ...EVERYTHING, months }, contactId: null, hidden: new Set<string>() };
    // Filters and people stay as they are unless they hide what is to be shown.
    const isHidden = unseen.some((id) => !this.#panel.dayOf(id));
    this.#changeDesk(front, { unseen: [], ...(isHidden ? everything : {}) });
    this.#panel.sortNewestFirst();
    await this.updateComplete;
    this.#place.goToNewest();
  }

  #popped(pop: Pop): void {
    const { call, announce } = pop;
    if (announce) this.announced = pop;
    this.#emit("pop", { call, announce });
  }

  #callEnded(frame: CallFrame): void {
    const callId = callIdOf(frame);
    // A call that is over no longer holds its place in front against the next one.
    if (this.activeCall === callId) this.activeCall = null;
    this.#emit("call-ended", { callId, reason: (frame as Partial<Ended>).reason ?? "ended" });
  }

  readonly #tabActions: TabActions = {
    onChoose: (callId) => {
      this.activeCall = callId;
      void this.updateComplete.then(this.#caughtUp);
    },
    onDismiss: (callId) => {
      this.calls = dismiss(this.calls, callId);
    },
    onKeep: (callId, isKept) => {
      this.calls = keep(this.calls, callId, isKept);
    },
    unseen: (entry) => this.#deskOf(entry).unseen.length,
  };

  /** While an agent reads the details of a call, no other call comes in front of it. */
  #front(): CallOnScreen | undefined {
    return frontCall(this.calls, this.#details.callId ?? this.activeCall);
  }

  protected override updated(): void {
    const callId = this.#front()?.call.callId ?? "";
    if (callId === this.#frontShown) return;
    this.#frontShown = callId;
    this.#emit("active-call-change", { callId: callId || null });
  }

  #forgetCalls(): void {
    this.calls = [];
    this.desk = new Map();
    this.activeCall = null;
    this.#details.close();
    this.announced = null;
  }

  #deskOf(entry: CallOnScreen): CallDesk {
    return this.desk.get(entry.call.callId) ?? untouched(entry, this.#kept, Date.now());
  }

  #changeDesk(entry: CallOnScreen, change: Partial<CallDesk>): void {
    const { callId } = entry.call;
    this.desk = changed(this.desk, callId, { ...this.#deskOf(entry), ...change });
    if (!change.filters) return;
    this.#kept = change.filters;
    if (this.#agentShown) rememberFilters(this.#agentShown, change.filters);
  }

  #shown(callId: string, interaction: Interaction): void {
    this.calls = lookedAt(this.calls, callId, interaction.interactionId);
    this.#emit("item-selected", { callId, interaction });
  }

  #emit<Type extends keyof CustomerJourneyEventMap>(
    type: Type,
    detail: CustomerJourneyEventMap[Type]["detail"],
  ): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

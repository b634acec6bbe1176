// One call on screen, from the glance to the last row: chooses what to show of its timeline and in which arrangement.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { type CallOnScreen, isEnded } from "../calls.ts";
import type { CallDesk } from "../desk.ts";
import type { Interaction, Older, Timeline } from "../frames.ts";
import { Kept } from "../kept.ts";
import type { Arrangement, View } from "../layout.ts";
import { EVERYTHING, type Filters, ofContacts, type Shown, select } from "../timeline.ts";
import { filterWords } from "./filter-words.ts";
import { glance } from "./glance.ts";
import { gridView, NEWEST_FIRST, rowsOf, type Sort } from "./grid-view.ts";
import {
  type Culprit,
  failure,
  loadOlder,
  missingTimeline,
  newsChip,
  noInteractions,
  nothingPasses,
  remark,
  revealFailure,
  shortened,
  sourcesMissing,
} from "./notices.ts";
import { contactName, type Scene } from "./scene.ts";
import { timelineView } from "./timeline-view.ts";
import { Toolbar } from "./toolbar.ts";
import { countInView, newestDays, Unrolling } from "./unrolling.ts";

export interface PanelState {
  entry: CallOnScreen;
  desk: CallDesk;
  isLive: boolean;
  arrangement: Arrangement;
  /** In pixels. */
  width: number;
  /** Tabs stand above, and this is the panel of the selected one. */
  isTabbed: boolean;
  onDesk: (change: Partial<CallDesk>) => void;
  /** Asks the service; with `from`, for the page of older ones that begins there. */
  onSearch: (from?: Older) => void;
  onView: (view: View) => void;
  /** Shows what came while the agent was reading. */
  onNews: () => void;
  /** Shows the masked number in whole, or no longer. */
  onReveal: () => void;
}

export class CallPanel {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #toolbar: Toolbar;
  readonly #unrolling: Unrolling;
  readonly #selected = new Kept<Shown | null>();
  readonly #rows = new Kept<Interaction[]>();
  #sort: Sort = NEWEST_FIRST;
  #shown: Shown | null = null;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.#host = host;
    this.#toolbar = new Toolbar(host);
    this.#unrolling = new Unrolling(host);
  }

  /** Sorted otherwise, the newest may stand anywhere. */
  get isNewestFirst(): boolean {
    return this.#sort.column === NEWEST_FIRST.column && !this.#sort.ascending;
  }

  /** The interactions shown on the same date as one of them, newest first. */
  dayOf(interactionId: string): Interaction[] | undefined {
    const isIn = (interactions: Interaction[]) =>
      interactions.some((one) => one.interactionId === interactionId);
    return this.#shown?.days.find((day) => isIn(day.interactions))?.interactions;
  }

  render(scene: Scene, state: PanelState): TemplateResult {
    const { entry, desk, isTabbed } = state;
    const timeline = entry.timeline ?? entry.found?.timeline ?? null;
    const { filters, contactId, hidden } = desk;
    this.#shown = this.#selected.of(
      [entry.timeline, entry.found, filters, contactId, hidden, scene.today],
      () => this.#select(scene, state, filters),
    );
    const { callId } = entry.call;
    return html`<section class="call ${isEnded(entry) ? "is-ended" : ""}" part="call" id="call-panel" data-call=${callId}
      role=${isTabbed ? "tabpanel" : nothing} aria-labelledby=${isTabbed ? `tab-${callId}` : nothing}>
      ${glance(scene, {
        call: entry.call,
        endReason: entry.endReason,
        timeline,
        newest: timeline && newestOf(timeline, desk),
        desk,
        onDesk: state.onDesk,
        onReveal: state.isLive || desk.number ? state.onReveal : null,
      })}
      ${revealFailure(scene, desk.revealProblem)}
      ${timeline && timeline.total > 0 ? this.#tools(scene, state, timeline) : nothing}
      ${timeline && entry.missing ? remark(scene.language.word("missing", entry.missing.code, entry.missing.text)) : nothing}
      ${timeline ? sourcesMissing(scene, timeline, this.#again(state)) : nothing}
      ${failure(scene, desk.searchProblem)}
      <div class="content">${newsChip(scene, desk.unseen.length, state.onNews)}${keyed(callId, this.#content(scene, state, timeline))}</div>
    </section>`;
  }

  #tools(scene: Scene, state: PanelState, timeline: Timeline): TemplateResult {
    const { entry, desk, arrangement } = state;
    return html`${this.#toolbar.render(scene, {
      timeline,
      found: entry.found,
      filters: desk.filters,
      shown: this.#shown,
      isSearching: desk.isSearching,
      canSearch: state.isLive,
      view: arrangement === "vertical" ? null : arrangement === "grid" ? "grid" : "timeline",
      onFilters: (filters) => state.onDesk({ filters, searchProblem: null }),
      onSearch: () => state.onSearch(),
      onView: state.onView,
    })}
    ${this.#shown && entry.timeline ? shortened(scene, this.#shown, entry.timeline, desk.filters.months, desk.isSearching, () => state.onSearch()) : nothing}`;
  }

  /** What passes the filters, of the people looked at: with some of them picked out, the count is theirs. */
  #select({ now }: Scene, { entry, desk }: PanelState, filters: Filters): Shown | null {
    const selected = select(entry.timeline, entry.found, filters, now);
    if (!selected || (desk.contactId === null && desk.hidden.size === 0)) return selected;
    const days = ofContacts(selected.days, desk.contactId, desk.hidden);
    const count = days.reduce((sum, day) => sum + day.interactions.length, 0);
    return { ...selected, days, count, matching: null };
  }

  #again({ isLive, desk, onSearch }: PanelState): (() => void) | null {
    return isLive && !desk.isSearching ? () => onSearch() : null;
  }

  /** Names the filters that hide everything, and offers to drop each one that does so alone. */
  #nothingPasses(scene: Scene, state: PanelState, timeline: Timeline): TemplateResult {
    const { desk } = state;
    const untouched = { ...EVERYTHING, months: timeline.period.months };
    const words = filterWords(scene, timeline, desk.filters);
    const culprits = words.flatMap(({ name, words }): Culprit[] => {
      const filters = { ...desk.filters, [name]: untouched[name] };
      const count = this.#select(scene, state, filters)?.count ?? 0;
      return count > 0 ? [{ words, count, onDrop: () => state.onDesk({ filters }) }] : [];
    });
    const texts = words.map((one) => one.words);
    const person = timeline.contacts.find(({ contactId }) => contactId === desk.contactId);
    if (person) texts.unshift(scene.language.say("filterPerson", { name: contactName(person) }));
    const onClear = () => state.onDesk({ filters: untouched, contactId: null, hidden: new Set() });
    return nothingPasses(scene, texts, culprits, onClear, this.#older(scene, state));
  }

  #content(scene: Scene, state: PanelState, timeline: Timeline | null): unknown {
    const { entry } = state;
    const shown = this.#shown;
    if (!timeline || !shown) {
      return missingTimeline(scene, entry.missing, this.#again(state));
    }
    if (timeline.total === 0) return noInteractions(scene, timeline);
    if (shown.days.length === 0) return this.#nothingPasses(scene, state, timeline);
    const isGrid = state.arrangement === "grid";
    const isHorizontal = state.arrangement === "horizontal";
    const first = isHorizontal ? countInView(shown.days, state.width) : undefined;
    const reach = this.#unrolling.reach(`${isGrid} ${entry.call.callId}`, shown.count, first);
    // It stands behind the last one, so not before that is drawn or has its room.
    const older = state.arrangement !== "vertical" || reach >= shown.count ? this.#older(scene, state) : null;
    if (!isGrid) {
      return timelineView(scene, shown.days, newestDays(shown.days, reach), isHorizontal, older);
    }
    const { language, catalogue, contacts, people } = scene;
    const rows = this.#rows.of([shown, this.#sort, language, catalogue, contacts, people], () =>
      rowsOf(scene, shown.days, this.#sort),
    );
    return gridView(scene, rows, reach, this.#sort, (sort) => this.#sortBy(sort), older);
  }

  #older(scene: Scene, { desk, isLive, onSearch }: PanelState): unknown {
    return this.#shown && loadOlder(scene, this.#shown, desk.isSearching || !isLive, onSearch);
  }

  sortNewestFirst(): void {
    this.#sortBy(NEWEST_FIRST);
  }

  #sortBy(sort: Sort): void {
    this.#sort = sort;
    this.#host.requestUpdate();
  }
}

function newestOf({ days }: Timeline, { contactId, hidden }: CallDesk): Interaction | null {
  return ofContacts(days, contactId, hidden)[0]?.interactions[0] ?? null;
}

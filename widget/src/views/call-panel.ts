// One call on screen, from the glance to the last row: chooses what to show of its timeline and in which arrangement.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { type CallOnScreen, isEnded } from "../calls.ts";
import type { CallDesk } from "../desk.ts";
import type { Interaction, Timeline } from "../frames.ts";
import { ofContact, type Shown, select } from "../timeline.ts";
import { glance } from "./glance.ts";
import { gridView, NEWEST_FIRST, type Sort } from "./grid-view.ts";
import {
  failure,
  loadOlder,
  missingTimeline,
  noInteractions,
  nothingPasses,
  remark,
  shortened,
} from "./notices.ts";
import type { Scene } from "./scene.ts";
import { timelineView } from "./timeline-view.ts";
import { describeFilters, Toolbar, type View } from "./toolbar.ts";

export type Arrangement = "horizontal" | "vertical" | "grid";

export interface PanelState {
  entry: CallOnScreen;
  desk: CallDesk;
  isLive: boolean;
  arrangement: Arrangement;
  /** Tabs stand above, and this is the panel of the selected one. */
  isTabbed: boolean;
  onDesk: (change: Partial<CallDesk>) => void;
  /** Asks the service; with `before`, for what is older than that. */
  onSearch: (before?: string) => void;
  onView: (view: View) => void;
}

export class CallPanel {
  readonly #host: ReactiveControllerHost;
  readonly #toolbar: Toolbar;
  #sort: Sort = NEWEST_FIRST;
  #shown: Shown | null = null;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    this.#toolbar = new Toolbar(host);
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
    const selected = select(entry.timeline, entry.found, desk.filters, scene.now);
    this.#shown = selected && { ...selected, days: ofContact(selected.days, desk.contactId) };
    const { callId } = entry.call;
    return html`<section class="call ${isEnded(entry) ? "is-ended" : ""}" part="call" id="call-panel" data-call=${callId}
      role=${isTabbed ? "tabpanel" : nothing} aria-labelledby=${isTabbed ? `tab-${callId}` : nothing}>
      ${glance(scene, {
        call: entry.call,
        endReason: entry.endReason,
        timeline,
        newest: timeline && newestOf(timeline, desk.contactId),
        contactId: desk.contactId,
        onContact: (contactId) => state.onDesk({ contactId }),
      })}
      ${timeline && timeline.total > 0 ? this.#tools(scene, state, timeline) : nothing}
      ${timeline && entry.missing ? remark(scene.language.word("missing", entry.missing.code, entry.missing.text)) : nothing}
      ${failure(scene, desk.searchProblem)}
      <div class="content">${this.#content(scene, state, timeline)}</div>
    </section>`;
  }

  #tools(scene: Scene, state: PanelState, timeline: Timeline): TemplateResult {
    const { entry, desk, arrangement } = state;
    return html`${this.#toolbar.render(scene, {
      timeline,
      found: entry.found,
      filters: desk.filters,
      shown: this.#shown && this.#counted(this.#shown, desk),
      isSearching: desk.isSearching,
      canSearch: state.isLive,
      view: arrangement === "vertical" ? null : arrangement === "grid" ? "grid" : "timeline",
      onFilters: (filters) => state.onDesk({ filters, searchProblem: null }),
      onSearch: () => state.onSearch(),
      onView: state.onView,
    })}
    ${this.#shown && entry.timeline ? shortened(scene, this.#shown, entry.timeline, desk.filters.months, desk.isSearching, () => state.onSearch()) : nothing}`;
  }

  /** With one person picked out, the count is theirs. */
  #counted(shown: Shown, { contactId }: CallDesk): Shown {
    if (contactId === null) return shown;
    const count = shown.days.reduce((sum, day) => sum + day.interactions.length, 0);
    return { ...shown, count, matching: null };
  }

  #content(scene: Scene, state: PanelState, timeline: Timeline | null): unknown {
    const { entry, desk } = state;
    const shown = this.#shown;
    if (!timeline || !shown) {
      const canAsk = state.isLive && !desk.isSearching;
      return missingTimeline(scene, entry.missing, canAsk ? () => state.onSearch() : null);
    }
    if (timeline.total === 0) return noInteractions(scene, timeline);
    if (shown.days.length === 0) {
      const filters = { campaign: null, channel: null, months: timeline.period.months };
      return nothingPasses(scene, describeFilters(scene, desk.filters, timeline), () =>
        state.onDesk({ filters, contactId: null }),
      );
    }
    const older = loadOlder(scene, shown, desk.isSearching || !state.isLive, (before) =>
      state.onSearch(before),
    );
    if (state.arrangement !== "grid") {
      return timelineView(scene, shown.days, state.arrangement === "horizontal", older);
    }
    const interactions = shown.days.flatMap((day) => day.interactions);
    return gridView(scene, interactions, this.#sort, (sort) => this.#sortBy(sort), older);
  }

  #sortBy(sort: Sort): void {
    this.#sort = sort;
    this.#host.requestUpdate();
  }
}

function newestOf(timeline: Timeline, contactId: string | null): Interaction | null {
  return ofContact(timeline.days, contactId)[0]?.interactions[0] ?? null;
}

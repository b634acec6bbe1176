// The filters, the Search button that asks the service, and the switch between timeline and grid.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import type { Timeline } from "../frames.ts";
import { icon } from "../icons.ts";
import type { Language } from "../language.ts";
import { channelLabel } from "../modes.ts";
import { channelsWithin, type Filters, type Found, PERIODS_MONTHS, type Shown } from "../timeline.ts";
import { type Choice, Combobox } from "./combobox.ts";
import type { Scene } from "./scene.ts";

export type View = "timeline" | "grid";

const ALL = "";

export interface ToolbarState {
  timeline: Timeline | null;
  found: Found | null;
  filters: Filters;
  shown: Shown | null;
  isSearching: boolean;
  canSearch: boolean;
  /** Null where the layout leaves no choice. */
  view: View | null;
  onFilters: (filters: Filters) => void;
  onSearch: () => void;
  onView: (view: View) => void;
}

/** A count as it is written; unknown where only a part is loaded. */
function counted({ formats }: Scene, count: number | null | undefined): string | undefined {
  return count == null ? undefined : formats.number(count);
}

function campaignChoices(scene: Scene, timeline: Timeline | null): Choice[] {
  const label = scene.language.say("allCampaigns");
  const all: Choice = { value: ALL, label, count: counted(scene, timeline?.total) };
  const campaigns = timeline?.campaigns ?? [];
  const each = campaigns.map(({ id, name, interactions }) => ({
    value: id,
    label: name || id,
    detail: name ? id : "",
    count: counted(scene, interactions),
  }));
  return [all, ...each];
}

function channelChoices(scene: Scene, { timeline, found, filters }: ToolbarState): Choice[] {
  const { language, catalogue } = scene;
  const channels = timeline ? channelsWithin(timeline, found, filters.campaign) : [];
  const each = channels.map(({ channel, interactions }) => ({
    value: channel,
    label: channelLabel(language, catalogue, channel),
    count: counted(scene, interactions),
  }));
  return [{ value: ALL, label: language.say("allChannels") }, ...each];
}

function periodChoices({ say }: Language): Choice[] {
  return PERIODS_MONTHS.map((count) => ({ value: String(count), label: say("months", { count }) }));
}

export class Toolbar {
  readonly #campaign: Combobox;
  readonly #channel: Combobox;
  readonly #period: Combobox;

  constructor(host: ReactiveControllerHost) {
    this.#campaign = new Combobox(host, "filter-campaign");
    this.#channel = new Combobox(host, "filter-channel");
    this.#period = new Combobox(host, "filter-period");
  }

  render(scene: Scene, state: ToolbarState): TemplateResult {
    const { say } = scene.language;
    const search = say(state.isSearching ? "searching" : "search");
    return html`<div class="toolbar" part="toolbar">
      <form class="filters" role="search" aria-label=${say("filterForm")}
        @submit=${(event: Event) => {
          event.preventDefault();
          state.onSearch();
        }}>
        ${this.#filters(scene, state)}
        <button type="submit" class="search" aria-label=${search} title=${say("searchHint")}
          ?disabled=${!state.canSearch || state.isSearching}>${icon("search")}<span>${search}</span></button>
      </form>
      <p class="result-count" role="status">${countText(scene, state.shown)}</p>
      ${state.view ? viewSwitch(scene.language, state.view, state.onView) : nothing}
    </div>`;
  }

  #filters(scene: Scene, state: ToolbarState): TemplateResult[] {
    const { language } = scene;
    const { say } = language;
    const { timeline, found, filters, onFilters } = state;
    const { campaign, channel, months } = filters;
    const chooseCampaign = (value: string) => {
      const chosen = value || null;
      // The campaign is the primary filter: a channel that it does not have is let go.
      const offered = timeline ? channelsWithin(timeline, found, chosen) : [];
      const keeps = channel !== null && offered.some((entry) => entry.channel === channel);
      onFilters({ ...filters, campaign: chosen, channel: keeps ? channel : null });
    };
    return [
      this.#campaign.render({
        language,
        label: say("campaign"),
        choices: campaignChoices(scene, timeline),
        value: campaign ?? ALL,
        onChoose: chooseCampaign,
      }),
      this.#channel.render({
        language,
        label: say("channel"),
        choices: channelChoices(scene, state),
        value: channel ?? ALL,
        onChoose: (value) => onFilters({ ...filters, channel: value || null }),
      }),
      this.#period.render({
        language,
        label: say("period"),
        choices: periodChoices(language),
        value: String(months),
        onChoose: (value) => onFilters({ ...filters, months: Number(value) }),
      }),
    ];
  }
}

/** The filters in words, for a sentence. */
export function describeFilters(scene: Scene, filters: Filters, timeline: Timeline | null): string {
  const { language, catalogue } = scene;
  const { say } = language;
  const parts = [say("lastMonths", { count: filters.months })];
  if (filters.campaign) {
    const campaign = timeline?.campaigns.find(({ id }) => id === filters.campaign);
    parts.unshift(say("filterCampaign", { name: campaign?.name || filters.campaign }));
  }
  if (filters.channel) {
    parts.unshift(say("filterChannel", { name: channelLabel(language, catalogue, filters.channel) }));
  }
  return parts.join(say("listSeparator"));
}

function countText({ language }: Scene, shown: Shown | null): string {
  if (!shown) return "";
  const { count, matching } = shown;
  if (matching === null || matching <= count) return language.say("interactions", { count });
  return language.say("countOf", { shown: count, count: matching });
}

function viewSwitch({ say }: Language, view: View, onView: (view: View) => void): TemplateResult {
  const choice = (id: View) =>
    html`<button type="button" aria-pressed=${view === id} @click=${() => onView(id)}>${icon(id)}<span>${say(id)}</span></button>`;
  return html`<div class="view-switch" role="group" aria-label=${say("view")}>
    ${choice("timeline")}${choice("grid")}
  </div>`;
}

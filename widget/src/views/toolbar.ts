// The filters, the Search button that asks the service, and the switch between timeline and grid.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { plural } from "../formats.ts";
import type { Timeline } from "../frames.ts";
import { icon } from "../icons.ts";
import { type Catalogue, channelLabel } from "../modes.ts";
import {
  channelsWithin,
  type Filters,
  type Found,
  isNarrowed,
  PERIODS_MONTHS,
  type Shown,
} from "../timeline.ts";
import { type Choice, Combobox } from "./combobox.ts";

export type View = "timeline" | "grid";

const ALL = "";

export interface ToolbarState {
  catalogue: Catalogue;
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

function campaignChoices(timeline: Timeline | null): Choice[] {
  const all: Choice = { value: ALL, label: "All campaigns", count: timeline?.total ?? null };
  const campaigns = timeline?.campaigns ?? [];
  const each = campaigns.map(({ id, name, interactions }) => ({
    value: id,
    label: name || id,
    detail: name ? id : "",
    count: interactions,
  }));
  return [all, ...each];
}

function channelChoices({ catalogue, timeline, found, filters }: ToolbarState): Choice[] {
  const channels = timeline ? channelsWithin(timeline, found, filters.campaign) : [];
  const each = channels.map(({ channel, interactions }) => ({
    value: channel,
    label: channelLabel(catalogue, channel),
    count: interactions,
  }));
  return [{ value: ALL, label: "All channels" }, ...each];
}

const PERIOD_CHOICES: Choice[] = PERIODS_MONTHS.map((months) => ({
  value: String(months),
  label: `${months} months`,
}));

export class Toolbar {
  readonly #campaign: Combobox;
  readonly #channel: Combobox;
  readonly #period: Combobox;

  constructor(host: ReactiveControllerHost) {
    this.#campaign = new Combobox(host, "filter-campaign", "Campaign");
    this.#channel = new Combobox(host, "filter-channel", "Channel");
    this.#period = new Combobox(host, "filter-period", "Period");
  }

  render(state: ToolbarState): TemplateResult {
    return html`<div class="toolbar" part="toolbar">
      <form class="filters" role="search" aria-label="Filter the interactions"
        @submit=${(event: Event) => {
          event.preventDefault();
          state.onSearch();
        }}>
        ${this.#filters(state)}
        <button type="submit" class="search" aria-label=${state.isSearching ? "Searching…" : "Search"} ?disabled=${!state.canSearch || state.isSearching}
          title="A choice applies at once to what is loaded. Search asks the service.">
          ${icon("search")}<span>${state.isSearching ? "Searching…" : "Search"}</span></button>
      </form>
      <p class="result-count" role="status">${countText(state.shown)}</p>
      ${state.view ? viewSwitch(state.view, state.onView) : nothing}
    </div>`;
  }

  #filters(state: ToolbarState): TemplateResult[] {
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
      this.#campaign.render(campaignChoices(timeline), campaign ?? ALL, chooseCampaign),
      this.#channel.render(channelChoices(state), channel ?? ALL, (value) =>
        onFilters({ ...filters, channel: value || null }),
      ),
      this.#period.render(PERIOD_CHOICES, String(months), (value) =>
        onFilters({ ...filters, months: Number(value) }),
      ),
    ];
  }
}

export function describeFilters(catalogue: Catalogue, filters: Filters, timeline: Timeline | null): string {
  const campaign = timeline?.campaigns.find(({ id }) => id === filters.campaign);
  const parts = [`the last ${filters.months} months`];
  if (filters.campaign) parts.unshift(`campaign ${campaign?.name || filters.campaign}`);
  if (filters.channel) parts.unshift(`channel ${channelLabel(catalogue, filters.channel)}`);
  return parts.join(", ");
}

export function isDefault(filters: Filters, months: number): boolean {
  return !isNarrowed(filters) && filters.months === months;
}

function countText(shown: Shown | null): string {
  if (!shown) return "";
  const { count, matching } = shown;
  if (matching !== null && matching > count) return `${count} of ${matching} interactions`;
  return `${count} ${plural(count, "interaction", "interactions")}`;
}

function viewSwitch(view: View, onView: (view: View) => void): TemplateResult {
  const choice = (id: View, label: string) =>
    html`<button type="button" aria-pressed=${view === id} @click=${() => onView(id)}>${icon(id)}<span>${label}</span></button>`;
  return html`<div class="view-switch" role="group" aria-label="View">
    ${choice("timeline", "Timeline")}${choice("grid", "Grid")}
  </div>`;
}

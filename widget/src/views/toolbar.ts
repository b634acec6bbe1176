// The filters, the Search button that asks the service, and the switch between timeline and grid.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import type { Interaction, Timeline } from "../frames.ts";
import { icon } from "../icons.ts";
import { countOf, type Language, type PlainKey } from "../language.ts";
import type { View } from "../layout.ts";
import { channelLabel } from "../modes.ts";
import {
  APPLIED_HERE,
  channelsWithin,
  EVERYTHING,
  type Filters,
  type Found,
  interactionsWithin,
  PERIODS_MONTHS,
  type Shown,
} from "../timeline.ts";
import { type Choice, Combobox } from "./combobox.ts";
import { directionLabel, nameOf, outcomeLabel } from "./interaction.ts";
import type { Scene } from "./scene.ts";

const ALL = "";

type Chosen = "campaign" | "channel" | "agent" | "outcome" | "direction";

export interface ToolbarState {
  timeline: Timeline;
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

function campaignChoices({ language }: Scene, { campaigns, atLeast }: Timeline): Choice[] {
  return campaigns.map(({ id, name, interactions }) => ({
    value: id,
    label: name || id,
    detail: name ? id : "",
    count: language.count(countOf(interactions, atLeast)),
  }));
}

function channelChoices({ language, catalogue }: Scene, state: ToolbarState): Choice[] {
  const { timeline, found, filters } = state;
  return channelsWithin(timeline, found, filters.campaign).map(({ channel, interactions }) => ({
    value: channel,
    label: channelLabel(language, catalogue, channel),
    // Within a campaign they are counted here, from all that is loaded.
    count:
      interactions === null
        ? undefined
        : language.count(countOf(interactions, timeline.atLeast && !filters.campaign)),
  }));
}

/** What the interactions themselves offer to choose from, the most frequent first. */
function choicesIn(
  { language }: Scene,
  interactions: Interaction[],
  of: (interaction: Interaction) => { value: string | null | undefined; label: string },
): Choice[] {
  const counted = new Map<string, { label: string; count: number }>();
  for (const interaction of interactions) {
    const { value, label } = of(interaction);
    if (value) counted.set(value, { label, count: (counted.get(value)?.count ?? 0) + 1 });
  }
  return [...counted]
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([value, { label, count }]) => ({ value, label, count: language.count(count) }));
}

export class Toolbar {
  readonly #host: ReactiveControllerHost;
  readonly #boxes: Record<Chosen | "months", Combobox>;
  #showsMore = false;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    const box = (name: string) => new Combobox(host, `filter-${name}`);
    this.#boxes = {
      campaign: box("campaign"),
      channel: box("channel"),
      months: box("period"),
      agent: box("agent"),
      outcome: box("outcome"),
      direction: box("direction"),
    };
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
        ${this.#first(scene, state)}
        <button type="submit" class="search" aria-label=${search} title=${say("searchHint")}
          ?disabled=${!state.canSearch || state.isSearching}>${icon("search")}<span>${search}</span></button>
        ${this.#moreButton(scene, state.filters)}
        ${this.#showsMore ? this.#more(scene, state) : nothing}
      </form>
      <p class="result-count" role="status">${countText(scene, state.shown)}</p>
      ${state.view ? viewSwitch(scene.language, state.view, state.onView) : nothing}
    </div>`;
  }

  /** What the service can be asked for. */
  #first(scene: Scene, state: ToolbarState): TemplateResult[] {
    const { language } = scene;
    const { timeline, found, filters, onFilters } = state;
    const everyCampaign = language.count(countOf(timeline.total, timeline.atLeast));
    const chooseCampaign = (campaign: string | null) => {
      // The campaign is the primary filter: a channel that it does not have is let go.
      const offered = channelsWithin(timeline, found, campaign).map(({ channel }) => channel);
      const channel = filters.channel !== null && offered.includes(filters.channel) ? filters.channel : null;
      onFilters({ ...filters, campaign, channel });
    };
    const campaigns = campaignChoices(scene, timeline);
    return [
      this.#choice(
        scene,
        state,
        "campaign",
        "allCampaigns",
        campaigns,
        everyCampaign,
        chooseCampaign,
        timeline.moreCampaigns,
      ),
      this.#choice(scene, state, "channel", "allChannels", channelChoices(scene, state)),
      this.#boxes.months.render({
        language,
        label: language.say("period"),
        choices: periodChoices(language),
        value: String(filters.months),
        onChoose: (months) => onFilters({ ...filters, months: Number(months) }),
      }),
    ];
  }

  #choice(
    { language }: Scene,
    { filters, onFilters }: ToolbarState,
    name: Chosen,
    all: PlainKey,
    choices: Choice[],
    count?: string,
    choose = (value: string | null) => onFilters({ ...filters, [name]: value }),
    more?: number,
  ): TemplateResult {
    return this.#boxes[name].render({
      language,
      label: language.say(name),
      choices: [{ value: ALL, label: language.say(all), count }, ...choices],
      more,
      value: filters[name] ?? ALL,
      onChoose: (value) => choose(value || null),
    });
  }

  #moreButton({ language }: Scene, filters: Filters): TemplateResult {
    const count = APPLIED_HERE.filter((name) => filters[name] !== EVERYTHING[name]).length;
    const toggle = () => {
      this.#showsMore = !this.#showsMore;
      this.#host.requestUpdate();
    };
    return html`<button type="button" class="action more" aria-expanded=${this.#showsMore} @click=${toggle}>
      ${count > 0 ? language.say("moreFiltersSet", { count }) : language.say("moreFilters")}</button>`;
  }

  /** What narrows only what is loaded. */
  #more(scene: Scene, state: ToolbarState): TemplateResult {
    const { language } = scene;
    const { say } = language;
    const { filters, onFilters } = state;
    const within = interactionsWithin(state.timeline, state.found, filters);
    const agents = choicesIn(scene, within, ({ agent }) => ({ value: agent?.id, label: nameOf(agent) }));
    const outcomes = choicesIn(scene, within, ({ outcome }) => ({
      value: outcome?.code,
      label: outcomeLabel(language, outcome),
    }));
    const directions = choicesIn(scene, within, ({ direction }) => ({
      value: direction,
      label: directionLabel(language, direction),
    }));
    const type = (event: Event) => onFilters({ ...filters, text: (event.target as HTMLInputElement).value });
    return html`<div class="more-filters">
      ${this.#choice(scene, state, "agent", "allAgents", agents)}
      ${this.#choice(scene, state, "outcome", "allOutcomes", outcomes)}
      ${this.#choice(scene, state, "direction", "allDirections", directions)}
      <div class="text-filter">
        <label for="filter-text">${say("text")}</label>
        <input id="filter-text" type="search" autocomplete="off" placeholder=${say("textHint")}
          .value=${live(filters.text)} @input=${type} />
      </div>
      <button type="button" class="action" aria-pressed=${filters.onlyFailures}
        @click=${() => onFilters({ ...filters, onlyFailures: !filters.onlyFailures })}>${say("onlyFailures")}</button>
    </div>`;
  }
}

function periodChoices({ say }: Language): Choice[] {
  return PERIODS_MONTHS.map((count) => ({ value: String(count), label: say("months", { count }) }));
}

function countText({ language }: Scene, shown: Shown | null): string {
  if (!shown) return "";
  const { count, matching, atLeast } = shown;
  if (matching === null) return language.say("interactions", { count });
  if (matching <= count) return language.say("interactions", { count: countOf(count, atLeast) });
  return language.say("countOf", { shown: count, count: countOf(matching, atLeast) });
}

function viewSwitch({ say }: Language, view: View, onView: (view: View) => void): TemplateResult {
  const choice = (id: View) =>
    html`<button type="button" aria-pressed=${view === id} @click=${() => onView(id)}>${icon(id)}<span>${say(id)}</span></button>`;
  return html`<div class="view-switch" role="group" aria-label=${say("view")}>
    ${choice("timeline")}${choice("grid")}
  </div>`;
}

// The filters that are set, each in words, so that one that hides everything can be named and taken back.
import type { Interaction, Timeline } from "../frames.ts";
import { channelLabel } from "../modes.ts";
import { type Filters, filtersSet, interactionsOf } from "../timeline.ts";
import { directionLabel, nameOf, outcomeLabel } from "./interaction.ts";
import type { Scene } from "./scene.ts";

function wordsOf(scene: Scene, timeline: Timeline, filters: Filters, name: keyof Filters): string {
  const { language, catalogue } = scene;
  const { say } = language;
  const code = String(filters[name]);
  const one = (is: (interaction: Interaction) => boolean) => interactionsOf(timeline).find(is);
  switch (name) {
    case "campaign":
      return say("filterCampaign", {
        name: nameOf(timeline.campaigns.find(({ id }) => id === code)) || code,
      });
    case "channel":
      return say("filterChannel", { name: channelLabel(language, catalogue, code) });
    case "months":
      return say("lastMonths", { count: filters.months });
    case "agent":
      return say("filterAgent", { name: nameOf(one(({ agent }) => agent?.id === code)?.agent) || code });
    case "outcome": {
      const outcome = one((of) => of.outcome?.code === code)?.outcome ?? { code };
      return say("filterOutcome", { name: outcomeLabel(language, outcome) });
    }
    case "direction":
      return say("filterDirection", { name: directionLabel(language, code) });
    case "onlyFailures":
      return say("filterFailures");
    case "text":
      return say("filterText", { text: code });
  }
}

/** Every filter that is set, and the period, which always is. */
export function filterWords(
  scene: Scene,
  timeline: Timeline,
  filters: Filters,
): { name: keyof Filters; words: string }[] {
  const set = filtersSet(filters, timeline.period.months).filter((name) => name !== "months");
  const names: (keyof Filters)[] = [...set, "months"];
  return names.map((name) => ({ name, words: wordsOf(scene, timeline, filters, name) }));
}

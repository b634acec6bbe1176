// The timeline: one snapshot for each date. Horizontally the newest stands at the right, vertically at the top;
// in both the newest comes first in reading order, and the style sheet does the rest.
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Day, Interaction } from "../frames.ts";
import {
  markOf,
  modeAndChannel,
  modeIcon,
  modeName,
  nameOf,
  outcomeClass,
  outcomeLabel,
  outcomeText,
  scoreChange,
} from "./interaction.ts";
import { ownerOf, type Scene } from "./scene.ts";

export function timelineView(
  scene: Scene,
  days: Day[],
  isHorizontal: boolean,
  older: unknown,
): TemplateResult {
  const direction = isHorizontal ? "horizontal" : "vertical";
  // Row-reverse keeps a scroller at its newest end without a line of script, also when older days are added;
  // focusable, so that it scrolls by keyboard.
  return html`<div class="timeline ${direction}" part="timeline" role="region" tabindex="0"
    aria-label=${scene.language.say("timelineRegion")}>
    <ol class="days">
      ${repeat(
        days,
        (day) => day.date,
        (day) => html`<li class="day" part="day" data-date=${day.date}>${snapshot(scene, day)}</li>`,
      )}
      ${older ? html`<li class="older">${older}</li>` : nothing}
    </ol>
  </div>`;
}

function snapshot(scene: Scene, day: Day): TemplateResult {
  const count = day.interactions.length;
  const interactions = scene.language.say("interactions", { count });
  return html`<header class="day-head">
      <h3><time datetime=${day.date}>${scene.formats.date(day.date)}</time></h3>
      <span class="ago">${scene.formats.ago(day.date, scene.now)}</span>
      ${count > 1 ? html`<span class="count" title=${interactions}>${scene.formats.number(count)}</span>` : nothing}
    </header>
    <ul class="entries" aria-label=${interactions}>
      ${repeat(
        day.interactions,
        (interaction) => interaction.interactionId,
        (interaction) => html`<li>${entry(scene, interaction)}</li>`,
      )}
    </ul>`;
}

function entry(scene: Scene, interaction: Interaction): TemplateResult {
  const open = (event: Event) => scene.onSelect(interaction, event.currentTarget as HTMLElement);
  const owner = ownerOf(scene, interaction);
  const campaign = nameOf(interaction.campaign);
  const agent = nameOf(interaction.agent);
  const change = scoreChange(scene, interaction);
  return html`<button type="button" class="entry" part="interaction" aria-haspopup="dialog"
    data-id=${interaction.interactionId} data-class=${outcomeClass(interaction.outcome)}
    title="${modeAndChannel(scene, interaction)}, ${outcomeLabel(scene.language, interaction.outcome)}" @click=${open}>
    ${modeIcon(scene, interaction)}
    <span class="entry-text">
      <span class="line"><time datetime=${interaction.startedAt}>${scene.formats.time(interaction.startedAt)}</time>
        <span class="mode-name">${modeName(scene, interaction)}</span> ${markOf(scene, interaction)}
        ${change ? html`<span class="change" title=${scene.language.say("scoreChange")}>${change}</span>` : nothing}</span>
      <span class="line">${outcomeText(scene, interaction.outcome)}</span>
      ${owner ? html`<span class="line owner">${owner}</span>` : nothing}
      ${campaign ? html`<span class="line quiet">${campaign}</span>` : nothing}
      ${agent ? html`<span class="line quiet">${agent}</span>` : nothing}
      ${interaction.comments ? html`<span class="line comments">${interaction.comments}</span>` : nothing}
    </span>
  </button>`;
}

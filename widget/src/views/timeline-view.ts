// The timeline: one snapshot for each date. Horizontally the newest stands at the right, vertically at the top;
// in both the newest comes first in reading order, and the style sheet does the rest.
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Day, Interaction } from "../frames.ts";
import { follow, stepsAlong } from "./arrows.ts";
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
import { drawnOnce, localTimeHint, ownerOf, type Scene } from "./scene.ts";

/** Of `days` those that are `drawn` so far. */
export function timelineView(
  scene: Scene,
  days: Day[],
  drawn: Day[],
  isHorizontal: boolean,
  older: unknown,
): TemplateResult {
  const direction = isHorizontal ? "horizontal" : "vertical";
  const rest = isHorizontal ? days.length - drawn.length : 0;
  // Row-reverse keeps a scroller at its newest end without a line of script, also when older days are added;
  // focusable, so that it scrolls by keyboard.
  return html`<div class="timeline ${direction}" part="timeline" role="region" tabindex="0"
    aria-label=${scene.language.say("timelineRegion")}>
    <ol class="days" @keydown=${moveByArrow}>
      ${repeat(byMonth(drawn), monthOf, (month, index) => snapshots(scene, month, index === 0))}
      ${rest > 0 ? html`<li class="undrawn" aria-hidden="true" .style=${`--_rest: ${rest}`}></li>` : nothing}
      ${older ? html`<li class="older">${older}</li>` : nothing}
    </ol>
  </div>`;
}

/** Up and down in the order of reading, left and right to the day that stands there. */
function moveByArrow(event: KeyboardEvent): void {
  const from = (event.target as HTMLElement).closest<HTMLElement>(".entry");
  const timeline = from?.closest<HTMLElement>(".timeline");
  if (!from || !timeline) return;
  const entries = [...timeline.querySelectorAll<HTMLElement>(".entry")];
  const day = from.closest(".day");
  const entryOf = (other: Element | null | undefined) => other?.querySelector<HTMLElement>(".entry");
  const [newer, older] = [entryOf(day?.previousElementSibling), entryOf(day?.nextElementSibling)];
  const isRightToLeft = getComputedStyle(timeline).direction === "rtl";
  const sideways = isRightToLeft
    ? { ArrowLeft: newer, ArrowRight: older }
    : { ArrowLeft: older, ArrowRight: newer };
  follow(event, entries[0], from, { ...stepsAlong(entries, from), ...sideways });
}

const monthOf = ([day]: Day[]) => day?.date.slice(0, 7);

function byMonth(days: Day[]): Day[][] {
  const months: Day[][] = [];
  for (const day of days) {
    const month = months.at(-1);
    if (month && monthOf(month) === monthOf([day])) month.push(day);
    else months.push([day]);
  }
  return months;
}

/** Of a year of days, those of one month are looked at when one of them is another or is new, and not with each step. */
function snapshots(scene: Scene, month: Day[], isNewest: boolean): unknown {
  const { today, marks } = scene;
  return drawnOnce(scene, [...month, isNewest, today, marks], () =>
    repeat(
      month,
      (day) => day.date,
      (day, index) => {
        const isFirst = isNewest && index === 0;
        const drawn = drawnOnce(scene, [day, isFirst, today, marks], () => snapshot(scene, day, isFirst));
        return html`<li class="day" part="day" data-date=${day.date}>${drawn}</li>`;
      },
    ),
  );
}

function snapshot(scene: Scene, day: Day, isNewest: boolean): TemplateResult {
  const count = day.interactions.length;
  const interactions = scene.language.say("interactions", { count });
  return html`<header class="day-head">
      <h3><time datetime=${day.date}>${scene.formats.date(day.date)}</time></h3>
      <span class="ago">${scene.formats.ago(day.date, scene.today)}</span>
      ${count > 1 ? html`<span class="count" title=${interactions}>${scene.formats.number(count)}</span>` : nothing}
    </header>
    <ul class="entries" aria-label=${interactions}>
      ${repeat(
        day.interactions,
        (interaction) => interaction.interactionId,
        (interaction, index) => {
          const isFirst = isNewest && index === 0;
          const mark = scene.marks.get(interaction.interactionId);
          return drawnOnce(scene, [interaction, isFirst, mark], () => entry(scene, interaction, isFirst));
        },
      )}
    </ul>`;
}

function entry(scene: Scene, interaction: Interaction, isFirst: boolean): TemplateResult {
  const open = (event: Event) => scene.onSelect(interaction, event.currentTarget as HTMLElement);
  const owner = ownerOf(scene, interaction);
  const about = [nameOf(interaction.campaign), nameOf(interaction.agent)].filter(Boolean).join(" · ");
  const change = scoreChange(scene, interaction);
  const hints = [
    `${modeAndChannel(scene, interaction)}, ${outcomeLabel(scene.language, interaction.outcome)}`,
    localTimeHint(scene, interaction.contactId, interaction.startedAt),
  ];
  return html`<li><button type="button" class="entry" part="interaction" aria-haspopup="dialog" tabindex=${isFirst ? 0 : -1}
    data-id=${interaction.interactionId} data-class=${outcomeClass(interaction.outcome)}
    title=${hints.filter((hint) => hint !== nothing).join("\n")} @click=${open}>
    ${modeIcon(scene, interaction)}
    <span class="entry-text">
      <span class="line"><time datetime=${interaction.startedAt}>${scene.formats.time(interaction.startedAt)}</time>
        <span class="mode-name">${modeName(scene, interaction)}</span> ${markOf(scene, interaction)}
        ${change ? html`<span class="change" title=${scene.language.say("scoreChange")}>${change}</span>` : nothing}</span>
      <span class="line">${outcomeText(scene, interaction.outcome)}</span>
      ${owner ? html`<span class="line owner">${owner}</span>` : nothing}
      ${about ? html`<span class="line quiet">${about}</span>` : nothing}
      ${interaction.comments ? html`<span class="line comments">${interaction.comments}</span>` : nothing}
    </span>
  </button></li>`;
}

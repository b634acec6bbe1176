// The details of one interaction in a pop-up: the fields of its source, and the way to its neighbours of the same date.
import { html, nothing, type TemplateResult } from "lit";
import type { Interaction } from "../frames.ts";
import { icon } from "../icons.ts";
import { channelLabel } from "../modes.ts";
import {
  directionLabel,
  isFromDataCloud,
  modeAndChannel,
  modeIcon,
  modeName,
  nameOf,
  outcomeClass,
  outcomeText,
  phoneNumber,
  sourceLabel,
} from "./interaction.ts";
import { ownerOf, type Scene } from "./scene.ts";

const ABSENT = html`<span class="absent">Not recorded</span>`;

type Field = [label: string, value: unknown];

/** The fields that the Campaign Manager knows of an interaction. */
function campaignManagerFields(scene: Scene, of: Interaction): Field[] {
  const score = (value: number | null | undefined) => (value == null ? ABSENT : scene.formats.number(value));
  return [
    ["Date and time", scene.formats.dateTime(of.startedAt)],
    ["Campaign", campaignText(of)],
    ["Mode", modeAndChannel(scene, of)],
    ["Outcome", outcomeOrAbsent(of)],
    ["Phone number", phoneNumber(of.address)],
    ["Previous score", score(of.previousScore)],
    ["Current score", score(of.currentScore)],
    ["Agent name", nameOf(of.agent) || ABSENT],
    ["Agent comments", of.comments || ABSENT],
  ];
}

/** The fields that Data Cloud knows of an interaction. */
function dataCloudFields(scene: Scene, of: Interaction): Field[] {
  return [
    [of.address.includes("@") ? "Email address" : "Phone number", phoneNumber(of.address)],
    ["Call start time", scene.formats.dateTime(of.startedAt)],
    ["Call end time", of.endedAt ? scene.formats.dateTime(of.endedAt) : ABSENT],
    ["Outcome", outcomeOrAbsent(of)],
    ["Agent name", nameOf(of.agent) || ABSENT],
    ["Agent comments", of.comments || ABSENT],
    ["Channel type", channelLabel(scene.catalogue, of.channel)],
    ["Channel direction", directionLabel(of.direction) || ABSENT],
  ];
}

function outcomeOrAbsent(of: Interaction): unknown {
  if (!of.outcome) return ABSENT;
  const isFailure = outcomeClass(of.outcome) === "failure";
  return html`${outcomeText(of.outcome)}${isFailure ? html` <span class="class-word">Failure</span>` : nothing}`;
}

function campaignText({ campaign }: Interaction): unknown {
  if (!campaign) return ABSENT;
  return campaign.name ? html`${campaign.name} <span class="quiet">${campaign.id}</span>` : campaign.id;
}

/** `day` is newest first, so the next one in time stands before. */
export function details(
  scene: Scene,
  of: Interaction,
  day: Interaction[],
  on: { show: (interaction: Interaction) => void; close: () => void },
): TemplateResult {
  const fields = isFromDataCloud(of) ? dataCloudFields(scene, of) : campaignManagerFields(scene, of);
  const owner = ownerOf(scene, of);
  if (owner) fields.unshift(["Contact", owner]);
  const index = day.findIndex(({ interactionId }) => interactionId === of.interactionId);
  const step = (to: Interaction | undefined, name: string, label: string) =>
    html`<button type="button" class="icon-button ${name}" aria-label=${label} title=${label}
      aria-disabled=${to ? "false" : "true"} @click=${() => to && on.show(to)}>${icon(name)}</button>`;
  return html`<header class="details-head">
      ${modeIcon(scene, of)}
      <div class="details-title">
        <h2 id="details-title">${modeName(scene, of)}, ${scene.formats.time(of.startedAt)}</h2>
        <p class="quiet">${sourceLabel(of.source)} · ${day.length - index} of ${day.length} on this date</p>
      </div>
      <nav class="details-nav" aria-label="Interactions of this date">
        ${step(day[index + 1], "previous", "Previous interaction of this date")}
        ${step(day[index - 1], "next", "Next interaction of this date")}
      </nav>
      <button type="button" class="icon-button close" aria-label="Close details" title="Close" @click=${on.close}>
        ${icon("close")}</button>
    </header>
    <dl class="details-fields" aria-live="polite">
      ${fields.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}

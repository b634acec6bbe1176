// The details of one interaction in a pop-up: the fields of its source, and the way to its neighbours of the same date.
import { html, nothing, type TemplateResult } from "lit";
import type { Interaction } from "../frames.ts";
import { icon } from "../icons.ts";
import { channelLabel } from "../modes.ts";
import type { Rights } from "../rights.ts";
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
} from "./interaction.ts";
import { localTime, ownerOf, type Scene } from "./scene.ts";

/** An empty value says that nothing was recorded. */
type Field = [label: string, value: unknown];

/** A field that the policy keeps back is not there, rather than empty. */
function unlessHidden({ hidden }: Rights, what: string, fields: Field[]): Field[] {
  return hidden.has(what) ? [] : fields;
}

/** The fields that the Campaign Manager knows of an interaction. */
function campaignManagerFields(scene: Scene, of: Interaction): Field[] {
  const { language, rights } = scene;
  const { say } = language;
  const score = (value: number | null | undefined) => value != null && scene.formats.number(value);
  return [
    [say("dateAndTime"), scene.formats.dateTime(of.startedAt)],
    [say("campaign"), campaignText(of)],
    [say("mode"), modeAndChannel(scene, of)],
    [say("outcome"), outcomeOf(scene, of)],
    [say("phoneNumber"), phoneNumber(of.address)],
    ...unlessHidden(rights, "scores", [
      [say("previousScore"), score(of.previousScore)],
      [say("currentScore"), score(of.currentScore)],
    ]),
    [say("agentName"), nameOf(of.agent)],
    ...unlessHidden(rights, "comments", [[say("agentComments"), of.comments]]),
  ];
}

/** The fields that Data Cloud knows of an interaction. */
function dataCloudFields(scene: Scene, of: Interaction): Field[] {
  const { catalogue, formats, language } = scene;
  const { say } = language;
  return [
    [say(of.address.includes("@") ? "emailAddress" : "phoneNumber"), phoneNumber(of.address)],
    [say("callStart"), formats.dateTime(of.startedAt)],
    [say("callEnd"), of.endedAt && formats.dateTime(of.endedAt)],
    [say("outcome"), outcomeOf(scene, of)],
    [say("agentName"), nameOf(of.agent)],
    ...unlessHidden(scene.rights, "comments", [[say("agentComments"), of.comments]]),
    [say("channelType"), channelLabel(language, catalogue, of.channel)],
    [say("channelDirection"), directionLabel(language, of.direction)],
  ];
}

function outcomeOf(scene: Scene, { outcome }: Interaction): unknown {
  if (!outcome) return null;
  const isFailure = outcomeClass(outcome) === "failure";
  const failure = html` <span class="class-word">${scene.language.say("failure")}</span>`;
  return html`${outcomeText(scene, outcome)}${isFailure ? failure : nothing}`;
}

function campaignText({ campaign }: Interaction): unknown {
  if (!campaign?.name) return campaign?.id;
  return html`${campaign.name} <span class="quiet">${campaign.id}</span>`;
}

/** `day` is newest first, so the next one in time stands before. */
export function details(
  scene: Scene,
  of: Interaction,
  day: Interaction[],
  on: { show: (interaction: Interaction) => void; close: () => void },
): TemplateResult {
  const { say, word } = scene.language;
  const fields = isFromDataCloud(of) ? dataCloudFields(scene, of) : campaignManagerFields(scene, of);
  const owner = ownerOf(scene, of);
  if (owner) fields.unshift([say("contact"), owner]);
  const local = localTime(scene, of.contactId, of.startedAt);
  if (local) fields.push([say("customerTime"), local]);
  const index = day.findIndex(({ interactionId }) => interactionId === of.interactionId);
  const place = say("placeInDate", { place: day.length - index, count: day.length });
  const step = (to: Interaction | undefined, name: string, label: string) =>
    html`<button type="button" class="icon-button ${name}" aria-label=${label} title=${label}
      aria-disabled=${to ? "false" : "true"} @click=${() => to && on.show(to)}>${icon(name)}</button>`;
  const absent = html`<span class="absent">${say("notRecorded")}</span>`;
  return html`<header class="details-head">
      ${modeIcon(scene, of)}
      <div class="details-title">
        <h2 id="details-title">${modeName(scene, of)}, ${scene.formats.time(of.startedAt)}</h2>
        <p class="quiet">${word("source", of.source)} · ${place}</p>
      </div>
      <nav class="details-nav" aria-label=${say("ofThisDate")}>
        ${step(day[index + 1], "previous", say("previousOfDate"))}
        ${step(day[index - 1], "next", say("nextOfDate"))}
      </nav>
      <button type="button" class="icon-button close" aria-label=${say("closeDetails")} title=${say("close")} @click=${on.close}>
        ${icon("close")}</button>
    </header>
    <dl class="details-fields" aria-live="polite">
      ${fields.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value || absent}</dd></div>`)}
    </dl>`;
}

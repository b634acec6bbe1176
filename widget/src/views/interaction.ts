// The pieces of an interaction that several views show: mode icon, outcome, score, names and numbers.
import { html, nothing, type TemplateResult } from "lit";
import { phoneGroups } from "../formats.ts";
import type { Interaction, Named, Outcome } from "../frames.ts";
import { failureMark, hasIcon, icon } from "../icons.ts";
import type { Language } from "../language.ts";
import { channelLabel, labelFromCode, modeLook } from "../modes.ts";
import type { Scene } from "./scene.ts";

export type OutcomeClass = "success" | "failure" | "neutral";

const COLORS = new Set(["green", "blue", "amber", "violet", "teal", "indigo", "grey"]);

/** Unknown is never red: only a failure that says so is one. */
export function outcomeClass(outcome: Outcome | null | undefined): OutcomeClass {
  return outcome?.class === "failure" || outcome?.class === "success" ? outcome.class : "neutral";
}

export function outcomeLabel({ say }: Language, outcome: Outcome | null | undefined): string {
  return outcome ? outcome.label || labelFromCode(outcome.code) : say("noOutcome");
}

export function directionLabel({ word }: Language, direction: string | null | undefined): string {
  return direction ? word("direction", direction) : "";
}

export function isFromDataCloud(interaction: Interaction): boolean {
  return interaction.source === "data_cloud";
}

export function nameOf(named: Named | null | undefined): string {
  return named ? named.name || named.id : "";
}

/** The mode's icon in its colour, with Data Cloud's arrow for the direction and the mark of a failure. */
export function modeIcon(scene: Scene, interaction: Interaction, options = { mark: true }): TemplateResult {
  const look = modeLook(scene.language, scene.catalogue, interaction);
  const color = COLORS.has(look.color) ? look.color : "grey";
  const name = hasIcon(look.icon) ? look.icon : "other";
  const isFailure = outcomeClass(interaction.outcome) === "failure";
  return html`<span class="mode" part="mode" data-color=${color} data-icon=${name}>
    ${icon(name)}${isFromDataCloud(interaction) ? directionArrow(scene, interaction.direction) : nothing}
    ${options.mark && isFailure ? failureMark(scene.language) : nothing}
  </span>`;
}

function directionArrow(scene: Scene, direction: string | null | undefined): TemplateResult | typeof nothing {
  if (!direction) return nothing;
  const arrow = direction === "inbound" ? "inbound" : "outbound";
  return html`<span class="arrow" data-direction=${arrow} role="img" aria-label=${directionLabel(scene.language, direction)}>${icon(arrow)}</span>`;
}

export function modeName(scene: Scene, interaction: Interaction): string {
  return modeLook(scene.language, scene.catalogue, interaction).label;
}

/** The mode, and the channel where the mode's name does not say it already. */
export function modeAndChannel(scene: Scene, interaction: Interaction): string {
  const mode = modeName(scene, interaction);
  const channel = channelLabel(scene.language, scene.catalogue, interaction.channel);
  const letters = (label: string) => label.toLowerCase().replace(/\P{L}/gu, "");
  return letters(mode) === letters(channel) ? mode : scene.language.say("modeOfChannel", { mode, channel });
}

export function outcomeText({ language }: Scene, outcome: Outcome | null | undefined): TemplateResult {
  if (!outcome) return html`<span class="absent">${language.say("noOutcome")}</span>`;
  return html`<span class="outcome" part="outcome" data-class=${outcomeClass(outcome)}>${outcomeLabel(language, outcome)}</span>`;
}

/** A word for what came or changed during the call; the style sheet lets it flash once, where motion is welcome. */
export function markOf({ language, marks }: Scene, { interactionId }: Interaction): unknown {
  const mark = marks.get(interactionId);
  return mark ? html`<span class="mark">${language.word("mark", mark)}</span>` : nothing;
}

/** The number as one text to copy, with gaps drawn between its groups. */
export function phoneNumber(number: string): TemplateResult {
  const groups = phoneGroups(number).map((group) => html`<span class="digits">${group}</span>`);
  return html`<bdi class="phone" dir="ltr">${groups}</bdi>`;
}

export function scoreChange(scene: Scene, interaction: Interaction): string {
  const { previousScore, currentScore } = interaction;
  if (previousScore == null || currentScore == null || previousScore === currentScore) return "";
  return scene.formats.signed(currentScore - previousScore);
}

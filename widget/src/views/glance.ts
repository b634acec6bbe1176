// What an agent reads in three seconds: which call, what came last, the brief, who it may be, where else it is listed.
import { html, nothing, type TemplateResult } from "lit";
import { plural } from "../formats.ts";
import type { Brief, Call, ContactSummary, Interaction, Timeline } from "../frames.ts";
import { failureMark, icon } from "../icons.ts";
import { channelLabel, labelFromCode, modeLabel } from "../modes.ts";
import {
  directionLabel,
  modeIcon,
  modeName,
  outcomeClass,
  outcomeLabel,
  outcomeText,
  phoneNumber,
} from "./interaction.ts";
import { contactName, ownerOf, type Scene } from "./scene.ts";

const STATES: Record<string, string> = {
  offered: "Ringing",
  connected: "Connected",
  wrap_up: "Wrap-up",
  ended: "Ended",
};
const END_REASONS: Record<string, string> = {
  ended: "Ended",
  taken: "Taken by another agent",
  retracted: "Withdrawn",
  expired: "Ended, no end was heard",
};

export interface CallLook {
  call: Call;
  endReason: string | null;
}

/** One of the known states, for the style sheet; others look neutral. */
export function stateOf({ call, endReason }: CallLook): string {
  return endReason === null ? call.state : "ended";
}

export function stateLabel({ call, endReason }: CallLook): string {
  if (endReason === null) return STATES[call.state] ?? labelFromCode(call.state);
  return END_REASONS[endReason] ?? labelFromCode(endReason);
}

export interface GlanceState extends CallLook {
  timeline: Timeline | null;
  newest: Interaction | null;
  contactId: string | null;
  onContact: (contactId: string | null) => void;
}

export function glance(scene: Scene, state: GlanceState): TemplateResult {
  const { call, timeline, contactId } = state;
  const contacts = timeline?.contacts ?? [];
  const contact = contacts.length === 1 ? contacts[0] : contacts.find((one) => one.contactId === contactId);
  return html`<header class="glance" part="header" data-state=${stateOf(state)}>
    <div class="glance-call">
      <span class="direction" aria-hidden="true">${icon(call.direction === "inbound" ? "inbound" : "outbound")}</span>
      <div>
        <h2 class="number">${call.number ? phoneNumber(call.number) : "No number"}</h2>
        <p class="who">
          <span class="state" part="state">${stateLabel(state)}</span>
          <span class="direction-name">${directionLabel(call.direction)}</span>
          ${call.at ? html`<span class="quiet">since <time datetime=${call.at}>${scene.formats.time(call.at)}</time></span>` : nothing}
          ${contact ? html`<span class="contact-name">${contactName(contact)}</span>` : nothing}
        </p>
      </div>
    </div>
    ${facts(scene, state)}
  </header>
  ${contact?.brief ? briefLine(scene, contact.brief) : nothing}
  ${chips(scene, state, contacts)}`;
}

function fact(name: string, label: string, value: unknown): TemplateResult {
  return html`<div class="fact fact-${name}"><dt>${label}</dt><dd>${value}</dd></div>`;
}

function facts(scene: Scene, { call, timeline, newest }: GlanceState): TemplateResult {
  const listed = timeline?.campaigns.find(({ id }) => id === call.campaign?.id);
  const name = call.campaign?.name || listed?.name;
  const campaign = call.campaign
    ? html`${name ?? call.campaign.id}${name ? html` <span class="quiet id">${call.campaign.id}</span>` : nothing}`
    : html`<span class="absent">None</span>`;
  const nothingYet = html`<span class="absent">–</span>`;
  return html`<dl class="facts">
    ${fact("campaign", "Campaign", campaign)}
    ${fact("mode", "Last mode", newest ? html`<span class="with-icon">${modeIcon(scene, newest, { mark: false })} ${modeName(scene, newest)}</span>` : nothingYet)}
    ${fact("outcome", "Last outcome", newest ? lastOutcome(scene, newest) : nothingYet)}
  </dl>`;
}

function lastOutcome(scene: Scene, interaction: Interaction): TemplateResult {
  const isFailure = outcomeClass(interaction.outcome) === "failure";
  const owner = ownerOf(scene, interaction);
  return html`<span class="with-icon">${isFailure ? failureMark : nothing}${outcomeText(interaction.outcome)}
    ${owner ? html`<span class="quiet">${owner}</span>` : nothing}</span>`;
}

function briefLine(scene: Scene, brief: Brief): TemplateResult {
  const { formats, now } = scene;
  const reachedOn = brief.lastReachedMode ? ` on ${modeLabel(scene.catalogue, brief.lastReachedMode)}` : "";
  const reached = brief.lastReachedAt
    ? `${formats.agoOf(brief.lastReachedAt, now)}${reachedOn}`
    : "Never in this period";
  const last = brief.lastAt
    ? `${formats.agoOf(brief.lastAt, now)}, ${brief.lastChannel ? channelLabel(scene.catalogue, brief.lastChannel) : ""}`.replace(
        /, $/,
        "",
      )
    : "Never in this period";
  const ended = brief.lastOutcome ? `, ${outcomeLabel(brief.lastOutcome)}` : "";
  return html`<dl class="brief" part="brief" aria-label="The brief">
    ${fact("last", "Last contact", `${last}${ended}`)}
    ${fact("attempts", "Attempts", html`<b>${brief.attempts7d ?? 0}</b> in 7 days, <b>${brief.attempts30d ?? 0}</b> in 30`)}
    ${fact("failures", "Failures in a row", html`<b>${brief.failuresInARow ?? 0}</b>`)}
    ${fact("reached", "Last reached", reached)}
    ${brief.score == null ? nothing : fact("score", "Score", score(scene, brief.score, brief.scoreChange))}
  </dl>`;
}

function score(scene: Scene, value: number, change: number | null | undefined): TemplateResult {
  const signed = change ? html` <span class="change">(${scene.formats.signed(change)})</span>` : nothing;
  return html`<b>${scene.formats.number(value)}</b>${signed}`;
}

function chips(
  scene: Scene,
  state: GlanceState,
  contacts: ContactSummary[],
): TemplateResult | typeof nothing {
  const own = state.call.campaign?.id;
  const others = (state.timeline?.campaigns ?? []).filter(({ id, listed }) => listed && id !== own);
  if (contacts.length < 2 && others.length === 0) return nothing;
  return html`<div class="chip-rows">
    ${contacts.length > 1 ? candidates(scene, state, contacts) : nothing}
    ${
      others.length === 0
        ? nothing
        : html`<div class="chip-row other-campaigns">
      <span class="chip-title" id="others">${own ? "Also listed in" : "Listed in"}</span>
      <ul class="chips" aria-labelledby="others">${others.map(
        ({
          id,
          name,
          interactions,
        }) => html`<li class="chip" title="Campaign ${id}, ${interactions} ${plural(interactions, "interaction", "interactions")}">
          ${name || id}${name ? html` <span class="quiet">${id}</span>` : nothing}</li>`,
      )}</ul>
    </div>`
    }
  </div>`;
}

/** Several contacts share the number: the agent may look at one of them; nobody is picked silently. */
function candidates(
  scene: Scene,
  { contactId, onContact }: GlanceState,
  contacts: ContactSummary[],
): TemplateResult {
  const chip = (id: string | null, label: unknown, count: number) =>
    html`<button type="button" class="chip" aria-pressed=${id === contactId} @click=${() => onContact(id)}>
      ${label} <span class="chip-count">${count}</span></button>`;
  const everyone = contacts.reduce((sum, { interactions }) => sum + interactions, 0);
  const ago = ({ lastAt }: ContactSummary) =>
    lastAt ? html` <span class="quiet">${scene.formats.agoOf(lastAt, scene.now)}</span>` : nothing;
  return html`<div class="chip-row candidates" role="group" aria-label="Which person?">
    <span class="chip-title">Which person? ${contacts.length} share this number</span>
    <div class="chips">
      ${chip(null, "Everyone", everyone)}
      ${contacts.map((one) => chip(one.contactId, html`${icon("person")}${contactName(one)}${ago(one)}`, one.interactions))}
    </div>
  </div>`;
}

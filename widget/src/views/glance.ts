// What an agent reads in three seconds: which call, what came last, the brief, who it may be, where else it is listed.
import { html, nothing, type TemplateResult } from "lit";
import type { CallDesk } from "../desk.ts";
import type { Brief, Call, ContactSummary, Interaction, Timeline } from "../frames.ts";
import { failureMark, icon } from "../icons.ts";
import { type Count, countOf, type Language } from "../language.ts";
import { channelLabel, modeLabel } from "../modes.ts";
import { canReveal } from "../rights.ts";
import {
  directionLabel,
  modeIcon,
  modeName,
  outcomeClass,
  outcomeLabel,
  outcomeText,
  phoneNumber,
} from "./interaction.ts";
import { contactName, localTimeHint, ownerOf, type Scene } from "./scene.ts";

export interface CallLook {
  call: Call;
  endReason: string | null;
}

/** One of the known states, for the style sheet; others look neutral. */
export function stateOf({ call, endReason }: CallLook): string {
  return endReason === null ? call.state : "ended";
}

export function stateLabel({ word }: Language, { call, endReason }: CallLook): string {
  return endReason === null ? word("state", call.state) : word("end", endReason);
}

export interface GlanceState extends CallLook {
  timeline: Timeline | null;
  newest: Interaction | null;
  desk: CallDesk;
  onDesk: (change: Partial<CallDesk>) => void;
  /** Null where there is nobody to ask. */
  onReveal: (() => void) | null;
}

export function glance(scene: Scene, state: GlanceState): TemplateResult {
  const { call, timeline, desk } = state;
  const { language, formats } = scene;
  const contacts = timeline?.contacts ?? [];
  const possible = contacts.filter(({ contactId }) => !desk.hidden.has(contactId));
  const contact =
    possible.length === 1 && contacts.length === scene.people
      ? possible[0]
      : contacts.find(({ contactId }) => contactId === desk.contactId);
  return html`<header class="glance" part="header" data-state=${stateOf(state)}>
    <div class="glance-call">
      <span class="direction" aria-hidden="true">${icon(call.direction === "inbound" ? "inbound" : "outbound")}</span>
      <div>
        ${number(scene, state)}
        <p class="who">
          <span class="state" part="state">${stateLabel(language, state)}</span>
          <span class="direction-name">${directionLabel(language, call.direction)}</span>
          ${call.at ? html`<span class="quiet">${language.compose("since", { time: html`<time datetime=${call.at}>${formats.time(call.at)}</time>` })}</span>` : nothing}
          ${contact ? html`<span class="contact-name" title=${localTimeHint(scene, contact.contactId, scene.now)}>${contactName(contact)}</span>` : nothing}
        </p>
      </div>
    </div>
    ${facts(scene, state, contact)}
  </header>
  ${contact?.brief ? briefLine(scene, contact.brief) : nothing}
  ${chips(scene, state, contacts)}`;
}

/** As it comes, masked or not; whoever may see a masked one in whole asks for it. */
function number({ language, rights }: Scene, { call, desk, onReveal }: GlanceState): TemplateResult {
  const { say } = language;
  const shown = desk.number ?? call.number;
  const heading = html`<h2 class="number">${shown ? phoneNumber(shown) : say("noNumber")}</h2>`;
  if (!call.number || !canReveal(rights)) return heading;
  return html`<div class="reveal">${heading}
    <button type="button" class="link" ?disabled=${onReveal === null} aria-busy=${desk.isRevealing}
      @click=${() => desk.isRevealing || onReveal?.()}>${say(desk.number ? "hideNumber" : "showNumber")}</button>
    <span class="visually-hidden" role="status">${desk.number ? say("numberShown", { number: desk.number }) : nothing}</span>
  </div>`;
}

function fact(name: string, label: string, value: unknown): TemplateResult {
  return html`<div class="fact fact-${name}"><dt>${label}</dt><dd>${value}</dd></div>`;
}

function facts(
  scene: Scene,
  { call, timeline, newest }: GlanceState,
  contact: ContactSummary | undefined,
): TemplateResult {
  const { say } = scene.language;
  const listed = timeline?.campaigns.find(({ id }) => id === call.campaign?.id);
  const name = call.campaign?.name || listed?.name;
  const campaign = call.campaign
    ? html`${name ?? call.campaign.id}${name ? html` <span class="quiet id">${call.campaign.id}</span>` : nothing}`
    : html`<span class="absent">${say("none")}</span>`;
  const nothingYet = html`<span class="absent">–</span>`;
  return html`<dl class="facts">
    ${fact("campaign", say("campaign"), campaign)}
    ${fact("mode", say("lastMode"), newest ? html`<span class="with-icon">${modeIcon(scene, newest, { mark: false })} ${modeName(scene, newest)}</span>` : nothingYet)}
    ${fact("outcome", say("lastOutcome"), newest ? lastOutcome(scene, newest, contact) : nothingYet)}
  </dl>`;
}

/** Says whose outcome it was, where the header does not name one person. */
function lastOutcome(
  scene: Scene,
  interaction: Interaction,
  contact: ContactSummary | undefined,
): TemplateResult {
  const isFailure = outcomeClass(interaction.outcome) === "failure";
  const owner = contact ? null : ownerOf(scene, interaction);
  return html`<span class="with-icon">${isFailure ? failureMark(scene.language) : nothing}${outcomeText(scene, interaction.outcome)}
    ${owner ? html`<span class="quiet">${owner}</span>` : nothing}</span>`;
}

function briefLine(scene: Scene, brief: Brief): TemplateResult {
  const { language, formats } = scene;
  const { say } = language;
  const attempts = language.compose("attemptsCounted", {
    week: html`<b>${formats.number(brief.attempts7d ?? 0)}</b>`,
    month: html`<b>${formats.number(brief.attempts30d ?? 0)}</b>`,
  });
  return html`<dl class="brief" part="brief" aria-label=${say("brief")}>
    ${fact("last", say("lastContact"), lastContact(scene, brief))}
    ${fact("attempts", say("attempts"), attempts)}
    ${fact("failures", say("failuresInARow"), html`<b>${formats.number(brief.failuresInARow ?? 0)}</b>`)}
    ${fact("reached", say("lastReached"), lastReached(scene, brief))}
    ${brief.score == null ? nothing : fact("score", say("score"), score(scene, brief.score, brief.scoreChange))}
  </dl>`;
}

function lastContact({ language, formats, catalogue, today }: Scene, brief: Brief): string {
  const { lastAt, lastChannel, lastOutcome } = brief;
  if (!lastAt) return language.say("neverInPeriod");
  const parts = [formats.agoOf(lastAt, today)];
  if (lastChannel) parts.push(channelLabel(language, catalogue, lastChannel));
  if (lastOutcome) parts.push(outcomeLabel(language, lastOutcome));
  return parts.join(language.say("listSeparator"));
}

function lastReached({ language, formats, catalogue, today }: Scene, brief: Brief): string {
  const { lastReachedAt, lastReachedMode } = brief;
  if (!lastReachedAt) return language.say("neverInPeriod");
  const when = formats.agoOf(lastReachedAt, today);
  if (!lastReachedMode) return when;
  return language.say("reachedOn", { when, mode: modeLabel(language, catalogue, lastReachedMode) });
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
  const { say } = scene.language;
  const own = state.call.campaign?.id;
  const others = (state.timeline?.campaigns ?? []).filter(({ id, listed }) => listed && id !== own);
  const { people } = scene;
  if (people < 2 && others.length === 0) return nothing;
  return html`<div class="chip-rows">
    ${people > 1 ? candidates(scene, state, contacts) : nothing}
    ${
      others.length === 0
        ? nothing
        : html`<div class="chip-row other-campaigns">
      <span class="chip-title" id="others">${say(own ? "alsoListed" : "listed")}</span>
      <ul class="chips" aria-labelledby="others">${others.map(
        ({
          id,
          name,
          interactions,
        }) => html`<li class="chip" title=${say("campaignTitle", { id, interactions: say("interactions", { count: countOf(interactions, state.timeline?.atLeast) }) })}>
          ${name || id}${name ? html` <span class="quiet">${id}</span>` : nothing}</li>`,
      )}</ul>
    </div>`
    }
  </div>`;
}

/** Several contacts share the number: the agent may look at one of them, or say who it is not; nobody is picked silently. */
function candidates(
  scene: Scene,
  { desk, onDesk, timeline }: GlanceState,
  contacts: ContactSummary[],
): TemplateResult {
  const { say, count: written } = scene.language;
  const { contactId, hidden } = desk;
  const more = scene.people - contacts.length;
  const atLeast = timeline?.atLeast;
  const possible = contacts.filter((one) => !hidden.has(one.contactId));
  // Also what nobody is known for.
  const everyone = contacts
    .filter((one) => hidden.has(one.contactId))
    .reduce((rest, { interactions }) => rest - interactions, timeline?.total ?? 0);
  const chip = (id: string | null, label: unknown, count: Count) =>
    html`<button type="button" class="chip" aria-pressed=${id === contactId} @click=${() => onDesk({ contactId: id })}>
      ${label} <span class="chip-count">${written(count)}</span></button>`;
  const hide = (id: string) =>
    onDesk({ hidden: new Set([...hidden, id]), contactId: contactId === id ? null : contactId });
  return html`<div class="chip-row candidates" role="group" aria-label=${say("whichPerson")}>
    <span class="chip-title">${say("whichOfSeveral", { count: countOf(scene.people, atLeast && more > 0) })}</span>
    <div class="chips">
      ${possible.length + more > 1 ? chip(null, say("everyone"), countOf(everyone, atLeast)) : nothing}
      ${possible.map((one) => {
        const notThisOne = say("notThisPerson", { name: contactName(one) });
        return html`<span class="chip-pair">${chip(one.contactId, candidate(scene, one), countOf(one.interactions, one.atLeast))}
          <button type="button" class="icon-button" aria-label=${notThisOne} title=${notThisOne}
            @click=${() => hide(one.contactId)}>${icon("close")}</button></span>`;
      })}
      ${contacts
        .filter((one) => hidden.has(one.contactId))
        .map((one) => hiddenPerson(scene, one, () => onDesk({ hidden: without(hidden, one.contactId) })))}
    </div>
    ${more > 0 ? html`<span>${say("andMore", { count: countOf(more, atLeast) })}</span>` : nothing}
  </div>`;
}

function candidate({ formats, today }: Scene, contact: ContactSummary): TemplateResult {
  const { lastAt } = contact;
  const ago = lastAt ? html` <span class="quiet">${formats.agoOf(lastAt, today)}</span>` : nothing;
  return html`${icon("person")}${contactName(contact)}${ago}`;
}

function hiddenPerson({ language }: Scene, contact: ContactSummary, onUndo: () => void): TemplateResult {
  const { say } = language;
  return html`<span class="hidden-person" role="status">${say("personHidden", { name: contactName(contact) })}
    <button type="button" class="link" @click=${onUndo}>${say("undo")}</button></span>`;
}

function without(hidden: ReadonlySet<string>, contactId: string): ReadonlySet<string> {
  return new Set([...hidden].filter((id) => id !== contactId));
}

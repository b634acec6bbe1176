// The sentences: what is missing and what one can do about it, what the connection does, what to expect.
import { html, nothing, type TemplateResult } from "lit";
import type { Connection, JourneyError } from "../client.ts";
import type { Missing, Older, SourceState, Timeline } from "../frames.ts";
import { icon } from "../icons.ts";
import { countOf, type Language } from "../language.ts";
import type { Shown } from "../timeline.ts";
import type { Scene } from "./scene.ts";

const button = (label: string, onClick: () => void, isBusy = false) =>
  html`<button type="button" class="action" ?disabled=${isBusy} @click=${onClick}>${label}</button>`;

/** The middle of the element when there is nothing to list there. */
export function blank(title: string, text: unknown, action: unknown = nothing): TemplateResult {
  return html`<div class="blank" part="blank">${icon("quiet")}<h2>${title}</h2><p>${text}</p>${action}</div>`;
}

export function waitingForCalls(language: Language, connection: Connection): TemplateResult {
  const { say } = language;
  switch (connection.state) {
    case "live":
      return blank(say("readyTitle"), say("ready"));
    case "idle":
      return blank(say("idleTitle"), say("idleText"));
    case "refused":
      return blank(say("refusedTitle"), refusalText(language, connection));
    default:
      return blank(say("connectingTitle"), say("connectingText"));
  }
}

export function missingTimeline(
  { language }: Scene,
  missing: Missing | null,
  onAgain: (() => void) | null,
): TemplateResult {
  const { say, word } = language;
  const title = say(missing?.code === "timeout" ? "stillLooking" : "noTimeline");
  const text = missing ? word("missing", missing.code, missing.text) : say("noReason");
  const canAsk = onAgain !== null && (missing?.code === "timeout" || missing?.code === "failed");
  return blank(title, text, canAsk ? button(say("tryAgain"), onAgain) : nothing);
}

export function noInteractions({ language }: Scene, { period }: Timeline): TemplateResult {
  const { say } = language;
  return blank(say("noContactTitle"), say("noContact", { count: period.months }));
}

/** One of the filters without which something would be left. */
export interface Culprit {
  words: string;
  /** How many would be left. */
  count: number;
  onDrop: () => void;
}

export function nothingPasses(
  { language }: Scene,
  filters: string[],
  culprits: Culprit[],
  onClear: () => void,
  older: unknown,
): TemplateResult {
  const { say } = language;
  const drops = culprits.map(({ words, count, onDrop }) =>
    button(say("withoutFilter", { filter: words, count }), onDrop),
  );
  return blank(
    say("filteredTitle"),
    say("filtered", { filters: filters.join(say("listSeparator")) }),
    html`<div class="ways-out">${drops}${button(say("clearFilters"), onClear)}</div>
      ${older ? html`<div class="older">${older}</div>` : nothing}`,
  );
}

/** Says that not everything is on screen, and how to get the rest. Nothing is shortened silently. */
export function shortened(
  { language }: Scene,
  shown: Shown,
  timeline: Timeline,
  months: number,
  isBusy: boolean,
  onSearch: () => void,
): TemplateResult | typeof nothing {
  if (!shown.partial) return nothing;
  const { say } = language;
  const { shown: count, total, atLeast, older, period } = timeline;
  const loaded = older
    ? say("loadedNewest", { count, total: say("interactions", { count: countOf(total, atLeast) }) })
    : say("loadedMonths", { count: period.months });
  const wanted =
    months > period.months
      ? say("searchForMonths", { months: say("months", { count: months }) })
      : say("searchForAll");
  return html`<p class="notice" part="notice"><span>${loaded} ${wanted}</span>
    ${button(say("search"), onSearch, isBusy)}</p>`;
}

export function loadOlder(
  { language, formats }: Scene,
  { older, atLeast }: Shown,
  isBusy: boolean,
  onOlder: (from: Older) => void,
): unknown {
  if (older === null) return null;
  const { say } = language;
  const { count, before } = older;
  // Where nobody knows whether there are any, the date says that something was done.
  const [text, ask] =
    count === null
      ? [say("lookedBackTo", { date: formats.shortDate(before) }), say("lookFurtherBack")]
      : [say("olderNotLoaded", { count: countOf(count, atLeast) }), say("loadOlder")];
  return html`<span role="status">${text}</span>
    ${button(isBusy ? say("loading") : ask, () => onOlder(older), isBusy)}`;
}

/** Something is missing, but not everything: what is there stays on screen below. */
export function remark(text: string): TemplateResult {
  return html`<p class="notice">${text}</p>`;
}

export function failure({ language }: Scene, problem: JourneyError | null): TemplateResult | typeof nothing {
  if (problem === null) return nothing;
  return html`<p class="notice problem" role="alert">${language.word("error", problem.code, problem.message)}</p>`;
}

/** Why a number stays masked. */
export function revealFailure(scene: Scene, problem: JourneyError | null): TemplateResult | typeof nothing {
  if (problem?.code !== "forbidden") return failure(scene, problem);
  return html`<p class="notice problem" role="alert">${scene.language.say("numberForbidden")}</p>`;
}

/** Once, and quietly: what is not there because the company does not want it to be. */
function policyLine({ language, rights }: Scene): TemplateResult | typeof nothing {
  if (rights.hidden.size === 0) return nothing;
  const { say, word } = language;
  const fields = [...rights.hidden].map((field) => word("field", field)).join(say("listSeparator"));
  return html`<span class="policy">${say("hiddenByPolicy", { fields })}</span>`;
}

function refusalText({ word }: Language, { code, text }: Extract<Connection, { state: "refused" }>): string {
  return word("close", String(code), text);
}

function connectionText(language: Language, connection: Connection): string {
  const { say } = language;
  switch (connection.state) {
    case "waiting":
      return say("offline", { seconds: Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000)) });
    case "refused":
      return refusalText(language, connection);
    default:
      return say(connection.state);
  }
}

function sourceText({ language, formats }: Scene, { source, asOf, missing }: SourceState): string {
  const { say, word } = language;
  const name = word("source", source);
  if (missing)
    return say("sourceSays", { source: name, text: word("sourceMissing", missing.code, missing.text) });
  return asOf ? say("asOf", { source: name, time: formats.time(asOf) }) : say("noData", { source: name });
}

/** A source that did not answer, how current the others are, and a way to ask again. */
export function sourcesMissing(
  { language, formats }: Scene,
  { sources = [] }: Timeline,
  onAgain: (() => void) | null,
): TemplateResult | typeof nothing {
  if (!sources.some(({ missing }) => missing)) return nothing;
  const { say, word } = language;
  const newsFirst = sources.toSorted((a, b) => Number(!a.missing) - Number(!b.missing));
  const stand = newsFirst.flatMap(({ source: code, asOf, missing }) => {
    const source = word("source", code);
    if (missing)
      return say("sourceStands", { source, text: word("sourceMissing", missing.code, missing.text) });
    return asOf ? say("sourceAsOf", { source, time: formats.time(asOf) }) : [];
  });
  return html`<p class="notice" role="status">
    <span>${say("sourcesStand", { sources: stand.join(say("sourceSeparator")) })}</span>
    ${onAgain ? button(say("tryAgain"), onAgain) : nothing}</p>`;
}

/** What came while the agent was reading elsewhere, and the way to it. */
export function newsChip({ language }: Scene, count: number, onShow: () => void): TemplateResult {
  return html`<p class="news" role="status">
    ${count > 0 ? html`<button type="button" class="search" @click=${onShow}>${language.say("newOnes", { count })}</button>` : nothing}
  </p>`;
}

/** The quiet last line: the connection, the sources' state, the time zone of all times. */
export function statusLine(
  scene: Scene,
  connection: Connection,
  timeline: Timeline | null,
  onRetry: () => void,
): TemplateResult {
  const { say } = scene.language;
  const canRetry = connection.state === "waiting" || connection.state === "refused";
  // The countdown is for eyes only: a live region would read out every second of it.
  return html`<footer class="status" part="status">
    <span class="connection" data-state=${connection.state}><span class="lamp" aria-hidden="true"></span>
      <span class="connection-text">${connectionText(scene.language, connection)}</span>
      ${canRetry ? html`<button type="button" class="link" @click=${onRetry}>${say("tryNow")}</button>` : nothing}</span>
    <span class="sources">${(timeline?.sources ?? []).map((state) => html`<span>${sourceText(scene, state)}</span>`)}</span>
    ${policyLine(scene)}
    <span class="zone">${say("timesIn", { zone: scene.formats.zoneName() })}</span>
  </footer>`;
}

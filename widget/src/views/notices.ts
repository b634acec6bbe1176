// The sentences: what is missing and what one can do about it, what the connection does, what to expect.
import { html, nothing, type TemplateResult } from "lit";
import type { Connection } from "../client.ts";
import { plural } from "../formats.ts";
import type { Missing, Timeline } from "../frames.ts";
import { icon } from "../icons.ts";
import type { Shown } from "../timeline.ts";
import { sourceLabel } from "./interaction.ts";
import type { Scene } from "./scene.ts";

const button = (label: string, onClick: () => void, isBusy = false) =>
  html`<button type="button" class="action" ?disabled=${isBusy} @click=${onClick}>${label}</button>`;

/** The middle of the element when there is nothing to list there. */
export function blank(title: string, text: unknown, action: unknown = nothing): TemplateResult {
  return html`<div class="blank" part="blank">${icon("quiet")}<h2>${title}</h2><p>${text}</p>${action}</div>`;
}

export function waitingForCalls(connection: Connection): TemplateResult {
  switch (connection.state) {
    case "live":
      return blank("Ready", "The next call shows up here by itself.");
    case "idle":
      return blank("Nobody is signed in", "This panel shows the calls of an agent once it knows which one.");
    case "refused":
      return blank("The service refused this session", connection.text);
    default:
      return blank("Connecting", "Calls show up here by themselves once there is a connection.");
  }
}

export function missingTimeline(missing: Missing | null, onAgain: (() => void) | null): TemplateResult {
  const isWaiting = missing?.code === "timeout";
  const title = isWaiting ? "Still looking" : "No timeline for this call";
  const text = missing?.text ?? "The service sent no reason.";
  const canAsk = onAgain !== null && (missing?.code === "timeout" || missing?.code === "failed");
  return blank(title, text, canAsk ? button("Try again", onAgain) : nothing);
}

export function noInteractions(timeline: Timeline): TemplateResult {
  const months = timeline.period.months;
  return blank("No earlier contact", `Nothing is recorded with this number in the last ${months} months.`);
}

export function nothingPasses(description: string, onClear: () => void): TemplateResult {
  return blank(
    "Nothing matches the filters",
    `No interaction in ${description}.`,
    button("Clear the filters", onClear),
  );
}

/** Says that not everything is on screen, and how to get the rest. Nothing is shortened silently. */
export function shortened(
  shown: Shown,
  timeline: Timeline,
  months: number,
  isBusy: boolean,
  onSearch: () => void,
): TemplateResult | typeof nothing {
  if (!shown.partial) return nothing;
  const reach =
    timeline.shown < timeline.total
      ? `the newest ${timeline.shown} of ${timeline.total} interactions`
      : `the last ${timeline.period.months} months`;
  const wanted =
    months > timeline.period.months
      ? ` Search asks the service for ${months}.`
      : " Search asks the service for all.";
  return html`<p class="notice" part="notice"><span>Loaded so far: ${reach}.${wanted}</span>
    ${button("Search", onSearch, isBusy)}</p>`;
}

export function loadOlder(shown: Shown, isBusy: boolean, onOlder: (before: string) => void): unknown {
  const { olderThan, matching, count } = shown;
  if (olderThan === null || matching === null) return null;
  const rest = matching - count;
  return html`<span>${rest} older ${plural(rest, "interaction is", "interactions are")} not loaded</span>
    ${button(isBusy ? "Loading…" : "Load older ones", () => onOlder(olderThan), isBusy)}`;
}

/** Something is missing, but not everything: what is there stays on screen below. */
export function remark(text: string): TemplateResult {
  return html`<p class="notice">${text}</p>`;
}

export function failure(text: string | null): TemplateResult | typeof nothing {
  return text === null ? nothing : html`<p class="notice problem" role="alert">${text}</p>`;
}

function connectionText(connection: Connection, now: number): string {
  switch (connection.state) {
    case "live":
      return "Live";
    case "idle":
      return "Not connected";
    case "connecting":
      return "Connecting…";
    case "waiting":
      return `Offline, trying again in ${Math.max(0, Math.ceil((connection.retryAt - now) / 1000))} s`;
    case "refused":
      return connection.text;
  }
}

/** The quiet last line: the connection, the sources' state, the time zone of all times. */
export function statusLine(
  scene: Scene,
  connection: Connection,
  timeline: Timeline | null,
  onRetry: () => void,
): TemplateResult {
  const canRetry = connection.state === "waiting" || connection.state === "refused";
  // The countdown is for eyes only: a live region would read out every second of it.
  return html`<footer class="status" part="status">
    <span class="connection" data-state=${connection.state}><span class="lamp" aria-hidden="true"></span>
      <span class="connection-text">${connectionText(connection, scene.now)}</span>
      ${canRetry ? html`<button type="button" class="link" @click=${onRetry}>Try now</button>` : nothing}</span>
    <span class="sources">${(timeline?.sources ?? []).map(({ source, asOf, missing }) => {
      const state = missing ? missing.text : asOf ? `as of ${scene.formats.time(asOf)}` : "no data yet";
      return html`<span>${sourceLabel(source)}: ${state}</span>`;
    })}</span>
    <span class="zone">Times in ${scene.formats.zoneName(scene.now)}</span>
  </footer>`;
}

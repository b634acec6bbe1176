// What is loaded of a call's timeline, and what of it is shown: filtering, counting.
// Pure: the time is an argument.
import type { Day, Interaction, Older, Timeline } from "./frames.ts";
import { plain } from "./plain.ts";

export const PERIODS_MONTHS = [3, 6, 9, 12] as const;
export const PERIOD_DEFAULT_MONTHS = 12;

export interface Filters {
  /** A campaign's id, or all of them. */
  campaign: string | null;
  channel: string | null;
  months: number;
  /** An agent's id. The service knows nothing of this and the next ones: they narrow what is loaded. */
  agent: string | null;
  /** An outcome's code. */
  outcome: string | null;
  direction: string | null;
  onlyFailures: boolean;
  /** Looked for in comments and outcomes. */
  text: string;
}

export const EVERYTHING: Filters = {
  campaign: null,
  channel: null,
  months: PERIOD_DEFAULT_MONTHS,
  agent: null,
  outcome: null,
  direction: null,
  onlyFailures: false,
  text: "",
};

/** The answer to a search, with the question, so that it is only shown for the very filters it answers. */
export interface Found {
  filters: Filters;
  timeline: Timeline;
}

export interface Shown {
  days: Day[];
  count: number;
  /** How many pass these filters at the service; unknown when only a part was loaded and narrowed here. */
  matching: number | null;
  /** `matching`, and the count of older ones, are lower bounds. */
  atLeast?: boolean | undefined;
  /** Where the next page begins, and how many the service has from there on, where that is known. */
  older: (Older & { count: number | null }) | null;
  /** What is shown was narrowed from a part: only a search can tell whether there is more. */
  partial: boolean;
}

/** The filters that narrow only what is loaded. */
export const APPLIED_HERE = ["agent", "outcome", "direction", "onlyFailures", "text"] as const;

/** Whether two filters put the same question to the service. */
export function isSameQuestion(a: Filters, b: Filters): boolean {
  return a.campaign === b.campaign && a.channel === b.channel && a.months === b.months;
}

/** The filters that are set, the period only where it is shorter than what was loaded. */
export function filtersSet(filters: Filters, monthsLoaded: number): (keyof Filters)[] {
  const names = Object.keys(EVERYTHING) as (keyof Filters)[];
  return names.filter((name) =>
    name === "months" ? filters.months < monthsLoaded : filters[name] !== EVERYTHING[name],
  );
}

const dateFormats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day (YYYY-MM-DD) of an instant in a time zone. */
export function dateIn(timeZone: string, instant: string | number): string {
  let format = dateFormats.get(timeZone);
  if (!format) {
    // en-CA writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    dateFormats.set(timeZone, format);
  }
  return format.format(new Date(instant));
}

/** The first day of a period of calendar months that ends now: 31 May − 3 months is the last day of February. */
export function periodStart(months: number, now: number, timeZone: string): string {
  const [year = 0, month = 1, day = 1] = dateIn(timeZone, now).split("-").map(Number);
  const monthsSinceYear0 = year * 12 + (month - 1) - months;
  const startYear = Math.floor(monthsSinceYear0 / 12);
  const startMonth = (monthsSinceYear0 % 12) + 1;
  const lastDay = new Date(Date.UTC(startYear, startMonth, 0)).getUTCDate();
  const two = (value: number) => String(value).padStart(2, "0");
  return `${startYear}-${two(startMonth)}-${two(Math.min(day, lastDay))}`;
}

export function interactionsOf(timeline: Timeline): Interaction[] {
  return timeline.days.flatMap((day) => day.interactions);
}

export function passes(filters: Filters, interaction: Interaction): boolean {
  const { campaign, channel, agent, outcome, direction, onlyFailures, text } = filters;
  return (
    isAny(campaign, interaction.campaign?.id) &&
    isAny(channel, interaction.channel) &&
    isAny(agent, interaction.agent?.id) &&
    isAny(outcome, interaction.outcome?.code) &&
    isAny(direction, interaction.direction) &&
    (!onlyFailures || interaction.outcome?.class === "failure") &&
    (!text || plain(wordsOf(interaction)).includes(plain(text)))
  );
}

function isAny(wanted: string | null, value: string | null | undefined): boolean {
  return wanted === null || wanted === value;
}

function wordsOf({ comments, outcome }: Interaction): string {
  return `${comments ?? ""} ${outcome?.label ?? outcome?.code ?? ""}`;
}

function narrowDays(days: Day[], from: string, keep: (interaction: Interaction) => boolean): Day[] {
  return days
    .filter((day) => day.date >= from)
    .map((day) => ({ ...day, interactions: day.interactions.filter(keep) }))
    .filter((day) => day.interactions.length > 0);
}

function countOf(days: Day[]): number {
  return days.reduce((sum, day) => sum + day.interactions.length, 0);
}

/** The part of what is loaded that passes the filters, and what is known about the rest. */
export function select(
  loaded: Timeline | null,
  found: Found | null,
  filters: Filters,
  now: number,
): Shown | null {
  const isAnswered = found !== null && isSameQuestion(found.filters, filters);
  const base = isAnswered ? found.timeline : loaded;
  if (!base) return null;
  const from = isAnswered ? "" : periodStart(filters.months, now, base.timeZone);
  const days = narrowDays(base.days, from, (interaction) => passes(filters, interaction));
  const count = countOf(days);
  const isWhole = !base.older;
  if (isWhole && (isAnswered || base.period.months >= filters.months)) {
    return { days, count, matching: count, older: null, partial: false };
  }
  const isTheQuestion = isAnswered || isSameQuestion(questionOf(base), filters);
  const isNarrowedHere = APPLIED_HERE.some((name) => filters[name] !== EVERYTHING[name]);
  const available = isAnswered ? (base.matching ?? null) : base.total;
  const matching = isTheQuestion && !isNarrowedHere ? available : null;
  const older =
    isTheQuestion && base.older ? { ...base.older, count: olderCount(base, filters, available) } : null;
  return { days, count, matching, atLeast: base.atLeast, older, partial: !isTheQuestion };
}

/** What a search asked for whose answer a timeline is that came by itself. */
export function questionOf({ period }: Timeline): Filters {
  return { ...EVERYTHING, months: period.months };
}

/**
 * Unknown where the service has not counted, or where it looks through more than it counts for what matches: the next
 * page may have nothing.
 */
function olderCount({ atLeast, shown }: Timeline, filters: Filters, available: number | null): number | null {
  const isSearched = (filters.campaign ?? filters.channel) !== null;
  if (available === null || available <= shown || (atLeast && isSearched)) return null;
  return available - shown;
}

/**
 * The filters kept from earlier calls, without those that would leave nothing of this journey: what an agent chose for
 * another customer never hides this one.
 */
export function fitting(kept: Filters, timeline: Timeline, now: number): Filters {
  const leavesSome = (filters: Filters) => (select(timeline, null, filters, now)?.count ?? 0) > 0;
  let fit: Filters = { ...EVERYTHING, months: timeline.period.months };
  for (const name of filtersSet(kept, timeline.period.months)) {
    const narrower = { ...fit, [name]: kept[name] };
    if (leavesSome(narrower)) fit = narrower;
  }
  return fit;
}

/** Only the interactions of one of several contacts behind a number, or of all that are not hidden. */
export function ofContacts(days: Day[], contactId: string | null, hidden: ReadonlySet<string>): Day[] {
  if (contactId === null && hidden.size === 0) return days;
  return narrowDays(days, "", ({ contactId: of }) =>
    contactId === null ? !of || !hidden.has(of) : of === contactId,
  );
}

export interface ChannelChoice {
  channel: string;
  /** Unknown where only a part of the timeline is loaded. */
  interactions: number | null;
}

/** The channels to choose from: those within the campaign, when one is chosen. */
export function channelsWithin(
  timeline: Timeline,
  found: Found | null,
  campaign: string | null,
): ChannelChoice[] {
  if (campaign === null) return timeline.channels;
  const interactions = interactionsOf(timeline);
  if (found?.filters.campaign === campaign) interactions.push(...interactionsOf(found.timeline));
  const counts = new Map<string, Set<string>>();
  for (const { channel, campaign: of, interactionId } of interactions) {
    if (of?.id !== campaign) continue;
    counts.set(channel, (counts.get(channel) ?? new Set()).add(interactionId));
  }
  const isWhole = !timeline.older;
  const choices = [...counts].map(([channel, ids]) => ({ channel, interactions: isWhole ? ids.size : null }));
  return choices.sort((a, b) => a.channel.localeCompare(b.channel));
}

/** The interactions within the chosen campaign and channel, from which agents, outcomes and directions are offered. */
export function interactionsWithin(timeline: Timeline, found: Found | null, filters: Filters): Interaction[] {
  const { campaign, channel } = filters;
  const base = found && isSameQuestion(found.filters, filters) ? found.timeline : timeline;
  const primary = { ...EVERYTHING, campaign, channel };
  return interactionsOf(base).filter((interaction) => passes(primary, interaction));
}

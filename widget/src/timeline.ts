// What is loaded of a call's timeline, and what of it is shown: merging, grouping by day, filtering, counting.
// Pure: the time is an argument.
import type { Day, Interaction, Timeline } from "./frames.ts";

export const PERIODS_MONTHS = [3, 6, 9, 12] as const;
export const PERIOD_DEFAULT_MONTHS = 12;

export interface Filters {
  /** A campaign's id, or all of them. */
  campaign: string | null;
  channel: string | null;
  months: number;
}

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
  /** `startedAt` of the oldest one loaded, where older ones can be asked for. */
  olderThan: string | null;
  /** What is shown was narrowed from a part: only a search can tell whether there is more. */
  partial: boolean;
}

export function sameFilters(a: Filters, b: Filters): boolean {
  return a.campaign === b.campaign && a.channel === b.channel && a.months === b.months;
}

export function isNarrowed(filters: Filters): boolean {
  return filters.campaign !== null || filters.channel !== null;
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

function newestFirst(a: Interaction, b: Interaction): number {
  const apart = Date.parse(b.startedAt) - Date.parse(a.startedAt);
  return apart || b.interactionId.localeCompare(a.interactionId);
}

function groupByDay(interactions: Interaction[], timeZone: string): Day[] {
  const days: Day[] = [];
  for (const interaction of interactions) {
    const date = dateIn(timeZone, interaction.startedAt);
    const day = days.at(-1);
    if (day?.date === date) day.interactions.push(interaction);
    else days.push({ date, interactions: [interaction] });
  }
  return days;
}

/** The timeline with interactions new or changed, and without the removed ones. */
export function mergeInteractions(
  timeline: Timeline,
  changed: readonly Interaction[],
  removed: readonly string[],
): Timeline {
  const byId = new Map(interactionsOf(timeline).map((entry) => [entry.interactionId, entry]));
  const before = byId.size;
  for (const entry of changed) byId.set(entry.interactionId, entry);
  for (const id of removed) byId.delete(id);
  const interactions = [...byId.values()].sort(newestFirst);
  const grown = byId.size - before;
  return {
    ...timeline,
    days: groupByDay(interactions, timeline.timeZone),
    shown: byId.size,
    total: timeline.total + grown,
    ...(timeline.matching == null ? {} : { matching: timeline.matching + grown }),
  };
}

/** The timeline with a page of older interactions behind it; its counts are those of the whole already. */
export function appendOlder(timeline: Timeline, older: Timeline): Timeline {
  const merged = mergeInteractions(timeline, interactionsOf(older), []);
  return { ...merged, total: timeline.total, matching: timeline.matching ?? null };
}

export function passes(filters: Filters, interaction: Interaction): boolean {
  if (filters.campaign !== null && interaction.campaign?.id !== filters.campaign) return false;
  return filters.channel === null || interaction.channel === filters.channel;
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
  if (found && sameFilters(found.filters, filters)) return selectFound(found);
  if (!loaded) return null;
  const from = periodStart(filters.months, now, loaded.timeZone);
  const days = narrowDays(loaded.days, from, (interaction) => passes(filters, interaction));
  const count = countOf(days);
  const everythingLoaded = loaded.shown >= loaded.total && loaded.period.months >= filters.months;
  if (everythingLoaded) return { days, count, matching: count, olderThan: null, partial: false };
  const untouched = !isNarrowed(filters) && filters.months === loaded.period.months;
  if (!untouched) return { days, count, matching: null, olderThan: null, partial: true };
  return { days, count, matching: loaded.total, olderThan: oldestIn(days), partial: false };
}

function selectFound({ filters, timeline }: Found): Shown {
  const matching = timeline.matching ?? (isNarrowed(filters) ? null : timeline.total);
  const isShort = matching === null ? false : timeline.shown < matching;
  const { days, shown } = timeline;
  return { days, count: shown, matching, olderThan: isShort ? oldestIn(days) : null, partial: false };
}

function oldestIn(days: Day[]): string | null {
  return days.at(-1)?.interactions.at(-1)?.startedAt ?? null;
}

/** Only the interactions of one of several contacts behind a number. */
export function ofContact(days: Day[], contactId: string | null): Day[] {
  if (contactId === null) return days;
  return narrowDays(days, "", (interaction) => interaction.contactId === contactId);
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
  const isWhole = timeline.shown >= timeline.total;
  const choices = [...counts].map(([channel, ids]) => ({ channel, interactions: isWhole ? ids.size : null }));
  return choices.sort((a, b) => a.channel.localeCompare(b.channel));
}

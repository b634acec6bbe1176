// What comes later, merged into what is loaded of a timeline: changes, older pages, fresh first pages. Nothing is lost,
// nothing is there twice, and what is new pushes nothing off the screen.
import type { Day, Interaction, Older, Timeline, Update } from "./frames.ts";
import { furtherBack, newestFirst, placeOf } from "./order.ts";
import { dateIn, EVERYTHING, type Filters, type Found, interactionsOf, passes } from "./timeline.ts";

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
    matching: timeline.matching == null ? null : timeline.matching + grown,
  };
}

/** The timeline with the page that begins at `from`; its counts are those of the whole already. */
export function appendOlder(timeline: Timeline, page: Timeline, from: Older): Timeline {
  const merged = mergeInteractions(timeline, interactionsOf(page), []);
  const { total, matching = null, older = null } = timeline;
  // A page asked for before this timeline came anew may begin behind a gap: that is loaded again.
  const isNext = older !== null && newestFirst(placeOf(from), placeOf(older)) <= 0;
  return { ...merged, total, matching, older: isNext ? furtherBack(older, page.older) : older };
}

/** The timeline as a fresh first page has it, with the older ones that are loaded beyond that page. */
export function mergeFresh(timeline: Timeline, fresh: Timeline): Timeline {
  const { total, matching = null, older = null } = fresh;
  const isBeyond = (one: Interaction) => older && newestFirst(placeOf(older), one) <= 0;
  const beyond = { date: "", interactions: interactionsOf(timeline).filter(isBeyond) };
  const merged = mergeInteractions({ ...fresh, days: [beyond] }, interactionsOf(fresh), []);
  const reach = furtherBack(timeline.older, older);
  // Where everything was loaded and is less than there is now, the pages are asked for again.
  const isShort = reach === null && !fresh.atLeast && (matching ?? total) > merged.shown;
  return { ...merged, total, matching, older: isShort ? older : reach };
}

/** The timeline after an update. */
export function updatedTimeline(timeline: Timeline, update: Update): Timeline {
  const { interactions, removed } = update;
  const merged = isChange(update) ? mergeInteractions(timeline, interactions ?? [], removed ?? []) : timeline;
  return withCounts(merged, update);
}

function isChange({ interactions, removed }: Update): boolean {
  return Boolean(interactions?.length || removed?.length);
}

const COUNTS = [
  "contacts",
  "moreContacts",
  "campaigns",
  "moreCampaigns",
  "channels",
  "total",
  "atLeast",
] as const satisfies (keyof Update & keyof Timeline)[];

function withCounts(timeline: Timeline, update: Update): Timeline {
  const said = COUNTS.filter((name) => update[name] != null);
  return { ...timeline, ...Object.fromEntries(said.map((name) => [name, update[name]])) };
}

/** An answer after an update: what passes its filters is in it, what no longer does has left. */
export function updatedAnswer(filters: Filters, answer: Timeline, update: Update): Timeline {
  if (!isChange(update)) return answer;
  const changed = update.interactions ?? [];
  const leaving = changed.filter((one) => !answers(filters, answer, one));
  const gone = [...(update.removed ?? []), ...leaving.map(({ interactionId }) => interactionId)];
  return mergeInteractions(answer, changed, gone);
}

/** What the service filters by, and no more: the rest narrows what is shown of the answer. */
function answers({ campaign, channel }: Filters, { period }: Timeline, one: Interaction): boolean {
  const isInPeriod = Date.parse(one.startedAt) >= Date.parse(period.from);
  return isInPeriod && passes({ ...EVERYTHING, campaign, channel }, one);
}

export function updatedFound(found: Found, loaded: Timeline | null, update: Update): Found {
  const timeline = updatedAnswer(found.filters, found.timeline, update);
  const isSamePeriod = loaded?.period.months === found.filters.months;
  return { ...found, timeline: isSamePeriod ? withCounts(timeline, update) : timeline };
}

/** Whether an update leaves open what else, or how much, the service would answer now. */
export function isUnsure({ filters, timeline }: Found, loaded: Timeline | null, update: Update): boolean {
  if (update.timeline) return true;
  const isPart = timeline.older || timeline.atLeast || loaded?.period.months !== filters.months;
  return Boolean(isChange(update) && isPart);
}

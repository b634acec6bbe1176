// The one order of interactions, in stores, frames and here: newest first, of one moment by id.
import type { Interaction, Older } from "./frames.ts";

type Place = Pick<Interaction, "startedAt" | "interactionId">;

/** Newest first; of one moment by id, ascending. */
export function newestFirst(a: Place, b: Place): number {
  return byTime(b.startedAt, a.startedAt) || byCodePoint(a.interactionId, b.interactionId);
}

/** Sorts in place, and reads each time once. */
export function sortNewestFirst(interactions: Interaction[]): Interaction[] {
  const times = new Map(interactions.map((one) => [one, Date.parse(one.startedAt)]));
  const at = (one: Interaction) => times.get(one) as number;
  return interactions.sort((a, b) => at(b) - at(a) || newestFirst(a, b));
}

export function placeOf({ before, beforeId }: Older): Place {
  return { startedAt: before, interactionId: beforeId };
}

/** Of two ends of what is loaded the one further back; none is the end of everything. */
export function furtherBack(a: Older | null | undefined, b: Older | null | undefined): Older | null {
  if (!a || !b) return null;
  return newestFirst(placeOf(a), placeOf(b)) < 0 ? b : a;
}

/** The service's times may have more digits than a `Date` keeps, and different numbers of them. */
function byTime(a: string, b: string): number {
  return a === b ? 0 : Date.parse(a) - Date.parse(b) || byCodePoint(fractionOf(a), fractionOf(b));
}

function fractionOf(instant: string): string {
  return /\.(\d*?)0*(?!\d)/.exec(instant)?.[1] ?? "";
}

/** As UTF-8 is ordered. `<` compares UTF-16 units, of which those of U+10000 and beyond come before U+E000–U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return Number(isSurrogate(left)) - Number(isSurrogate(right)) || left - right;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

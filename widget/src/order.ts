// The one order of interactions, in stores, frames and here: newest first, of one moment by id.
import type { Interaction, Older } from "./frames.ts";

type Place = Pick<Interaction, "startedAt" | "interactionId">;

/** Newest first; of one moment by id, ascending. Times are as precise as the service keeps them: to the millisecond. */
export function newestFirst(a: Place, b: Place): number {
  return Date.parse(b.startedAt) - Date.parse(a.startedAt) || byCodePoint(a.interactionId, b.interactionId);
}

export function placeOf({ before, beforeId }: Older): Place {
  return { startedAt: before, interactionId: beforeId };
}

/** Of two ends of what is loaded the one further back; none is the end of everything. */
export function furtherBack(a: Older | null | undefined, b: Older | null | undefined): Older | null {
  if (!a || !b) return null;
  return newestFirst(placeOf(a), placeOf(b)) < 0 ? b : a;
}

/** As UTF-8 is ordered. `<` compares UTF-16 units, of which those of U+10000 and beyond come before U+E000–U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  for (let index = 0; index < a.length; index += 1) {
    const apart = (a.codePointAt(index) as number) - (b.codePointAt(index) ?? -1);
    if (apart !== 0) return apart;
  }
  return a.length - b.length;
}

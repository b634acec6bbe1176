// The one sentence a screen reader says, politely, when a call arrives.
import type { Pop, Timeline } from "../frames.ts";
import { countOf, type Language } from "../language.ts";
import { directionLabel, outcomeLabel } from "./interaction.ts";

export function announcement(language: Language, { call, timeline }: Pop): string {
  const { say } = language;
  const direction = directionLabel(language, call.direction);
  const head = say("announcedCall", { direction, number: call.number || say("noNumber") });
  return `${head} ${whatIsKnown(language, timeline)}`;
}

function whatIsKnown(language: Language, timeline: Timeline | null): string {
  const { say } = language;
  if (!timeline) return say("announcedWaiting");
  if (timeline.total === 0) return say("announcedNothing");
  const interactions = say("interactions", { count: countOf(timeline.total, timeline.atLeast) });
  const newest = timeline.days[0]?.interactions[0];
  return newest
    ? say("announcedLast", { interactions, outcome: outcomeLabel(language, newest.outcome) })
    : interactions;
}

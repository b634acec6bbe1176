// The one sentence a screen reader says, politely, when a call arrives.
import { plural } from "../formats.ts";
import type { Call, Timeline } from "../frames.ts";
import { directionLabel, outcomeLabel } from "./interaction.ts";

export function announcement(call: Call, timeline: Timeline | null): string {
  const head = `${directionLabel(call.direction) || "New"} call, ${call.number || "no number"}.`;
  if (!timeline) return `${head} No timeline yet.`;
  if (timeline.total === 0) return `${head} No earlier contact.`;
  const count = `${timeline.total} ${plural(timeline.total, "interaction", "interactions")}`;
  const newest = timeline.days[0]?.interactions[0];
  return newest ? `${head} ${count}, last outcome ${outcomeLabel(newest.outcome)}.` : `${head} ${count}.`;
}

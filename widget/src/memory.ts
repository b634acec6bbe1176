// The filters an agent works with, kept in the browser from call to call and over a reload. Where the browser denies
// its storage they are forgotten with the page. What was typed is never kept: it may name a customer.
import { EVERYTHING, type Filters } from "./timeline.ts";

const placeOf = (agent: string) => `backstory.filters.${agent}`;

export function rememberFilters(agent: string, filters: Filters): void {
  try {
    localStorage.setItem(placeOf(agent), JSON.stringify({ ...filters, text: EVERYTHING.text }));
  } catch {
    // Denied or full.
  }
}

/** Of what was kept, the fields that this version knows and whose values it can read. */
export function recallFilters(agent: string): Filters {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(placeOf(agent)) ?? "{}");
    const known = Object.entries(Object(kept)).filter(([name, value]) => isReadable(name, value));
    return { ...EVERYTHING, ...Object.fromEntries(known) };
  } catch {
    return EVERYTHING;
  }
}

function isReadable(name: string, value: unknown): boolean {
  if (!(name in EVERYTHING)) return false;
  const untouched = EVERYTHING[name as keyof Filters];
  return untouched === null ? typeof value === "string" : typeof value === typeof untouched;
}

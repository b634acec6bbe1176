// What the agent has done with each call on screen: filters, the person looked at, a search under way.
// Pure data beside the calls, so that an update to a call never resets it.
import type { CallOnScreen, Calls } from "./calls.ts";
import { isEnded } from "./calls.ts";
import type { JourneyError } from "./client.ts";
import { type Filters, PERIOD_DEFAULT_MONTHS } from "./timeline.ts";

export interface CallDesk {
  filters: Filters;
  /** One of several contacts behind the number; null is everyone. */
  contactId: string | null;
  isSearching: boolean;
  searchProblem: JourneyError | null;
}

export type Desk = ReadonlyMap<string, CallDesk>;

/** As it stands before the agent touches anything: everyone, everything, over the period that was loaded. */
export function untouched({ timeline }: CallOnScreen): CallDesk {
  const months = timeline?.period.months ?? PERIOD_DEFAULT_MONTHS;
  return {
    filters: { campaign: null, channel: null, months },
    contactId: null,
    isSearching: false,
    searchProblem: null,
  };
}

/** The desk with a change to one call; calls that left the screen are forgotten. */
export function changed(desk: Desk, calls: Calls, entry: CallOnScreen, change: Partial<CallDesk>): Desk {
  const next = new Map([...desk].filter(([callId]) => calls.some(({ call }) => call.callId === callId)));
  const { callId } = entry.call;
  next.set(callId, { ...(desk.get(callId) ?? untouched(entry)), ...change });
  return next;
}

/** The call in front: the agent's choice while that call lasts, else the newest that has not ended. */
export function frontCall(calls: Calls, chosen: string | null): CallOnScreen | undefined {
  return (
    calls.find(({ call }) => call.callId === chosen) ?? calls.find((entry) => !isEnded(entry)) ?? calls[0]
  );
}

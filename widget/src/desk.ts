// What the agent has done with each call on screen: filters, the person looked at, a search under way.
// Pure data beside the calls, so that an update to a call never resets it.
import type { CallOnScreen, Calls } from "./calls.ts";
import { isEnded } from "./calls.ts";
import type { JourneyError } from "./client.ts";
import { dateIn, type Filters, fitting } from "./timeline.ts";

export interface CallDesk {
  filters: Filters;
  /** One of several contacts behind the number; null is everyone. */
  contactId: string | null;
  /** Contacts of whom the agent said that it is not them. */
  hidden: ReadonlySet<string>;
  /** Interactions that came while the agent was reading something else. */
  unseen: readonly string[];
  isSearching: boolean;
  searchProblem: JourneyError | null;
}

export type Desk = ReadonlyMap<string, CallDesk>;

/** As it stands before the agent touches anything: everyone, through the filters this agent works with. */
export function untouched({ timeline }: CallOnScreen, kept: Filters, now: number): CallDesk {
  return {
    filters: timeline ? fitting(kept, timeline, dateIn(timeline.timeZone, now)) : kept,
    contactId: null,
    hidden: new Set(),
    unseen: [],
    isSearching: false,
    searchProblem: null,
  };
}

/** The desk with another state of one call; calls that left the screen are forgotten. */
export function changed(desk: Desk, calls: Calls, callId: string, next: CallDesk): Desk {
  const present = new Map([...desk].filter(([id]) => calls.some(({ call }) => call.callId === id)));
  return present.set(callId, next);
}

/** The call in front: the one that was chosen while it is there, else the newest that has not ended. */
export function frontCall(calls: Calls, chosen: string | null): CallOnScreen | undefined {
  return (
    calls.find(({ call }) => call.callId === chosen) ?? calls.find((entry) => !isEnded(entry)) ?? calls[0]
  );
}

// What the agent has done with each call on screen: filters, the person looked at, a search under way.
// Pure data beside the calls, so that an update to a call never resets it.
import type { CallOnScreen, Calls } from "./calls.ts";
import { isEnded } from "./calls.ts";
import type { JourneyError } from "./client.ts";
import { type Filters, fitting } from "./timeline.ts";

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
  /** The masked number in whole, once it was asked for. */
  number: string | null;
  isRevealing: boolean;
  revealProblem: JourneyError | null;
}

export type Desk = ReadonlyMap<string, CallDesk>;

/** As it stands before the agent touches anything: everyone, through the filters this agent works with. */
export function untouched({ timeline }: CallOnScreen, kept: Filters, now: number): CallDesk {
  return {
    filters: timeline ? fitting(kept, timeline, now) : kept,
    contactId: null,
    hidden: new Set(),
    unseen: [],
    isSearching: false,
    searchProblem: null,
    number: null,
    isRevealing: false,
    revealProblem: null,
  };
}

/** The desk with another state of one call. */
export function changed(desk: Desk, callId: string, next: CallDesk): Desk {
  return new Map(desk).set(callId, next);
}

/** The desk without the calls that left the screen: of them nothing is kept, least of all a number in whole. */
export function onScreen(desk: Desk, calls: Calls): Desk {
  const present = [...desk].filter(([id]) => calls.some(({ call }) => call.callId === id));
  return present.length < desk.size ? new Map(present) : desk;
}

/** The call in front: the one that was chosen while it is there, else the newest that has not ended. */
export function frontCall(calls: Calls, chosen: string | null): CallOnScreen | undefined {
  return (
    calls.find(({ call }) => call.callId === chosen) ?? calls.find((entry) => !isEnded(entry)) ?? calls[0]
  );
}

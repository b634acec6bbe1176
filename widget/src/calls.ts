// The calls on an agent's screen as a pure function of the frames received: what is open, what has ended,
// which version of each was applied, and the timeline that goes with it.
import type { Call, CallFrame, Ended, Missing, Older, Pop, Showing, Timeline, Update } from "./frames.ts";
import { appendOlder, mergeFresh, updatedFound, updatedTimeline } from "./merging.ts";
import { type Filters, type Found, interactionsOf, isSameQuestion, questionOf } from "./timeline.ts";

/** Ended calls stay for the wrap-up; a new call pushes the oldest of them out. */
export const ENDED_CALLS_MAX = 5;

export interface CallOnScreen {
  call: Call;
  /** Of this session's last frame about it; −1 while it stands as an earlier session left it. */
  version: number;
  digest: string;
  announce: boolean;
  timeline: Timeline | null;
  missing: Missing | null;
  /** Why the call is over; null while it is not. */
  endReason: string | null;
  /** The answer to the last search. */
  found: Found | null;
  /** What came or changed while the call was on screen, until the agent has looked at it. */
  marks: ReadonlyMap<string, Mark>;
  /** The agent keeps the call on screen after its end. */
  isKept: boolean;
}

/** What happened to an interaction. */
export type Mark = "new" | "corrected";

/** Newest first. */
export type Calls = readonly CallOnScreen[];

export function callIdOf(frame: CallFrame): string {
  return frame.type === "pop" ? frame.call.callId : frame.callId;
}

export function withCall(calls: Calls, callId: string): CallOnScreen | undefined {
  return calls.find(({ call }) => call.callId === callId);
}

export function isEnded({ endReason }: CallOnScreen): boolean {
  return endReason !== null;
}

/** The calls after a frame: the same object when the frame changes nothing. */
export function applyFrame(calls: Calls, frame: CallFrame): Calls {
  const known = withCall(calls, callIdOf(frame));
  if (known && frame.version <= known.version) return calls;
  switch (frame.type) {
    case "pop":
      return applyPop(calls, known, frame);
    case "update":
      return known ? replace(calls, known, updated(known, frame)) : calls;
    case "ended":
      return known ? applyEnded(calls, known, frame) : calls;
  }
}

function applyPop(calls: Calls, known: CallOnScreen | undefined, pop: Pop): Calls {
  const popped: CallOnScreen = {
    call: pop.call,
    version: pop.version,
    digest: pop.digest,
    announce: pop.announce,
    // A later pop without a timeline, after a slow look-up, takes nothing away that is on screen.
    timeline: pop.timeline ?? known?.timeline ?? null,
    missing: pop.missing ?? null,
    endReason: pop.call.state === "ended" ? "ended" : null,
    found: null,
    marks: known?.marks ?? new Map(),
    isKept: known?.isKept ?? false,
  };
  const isReopened = known !== undefined && isEnded(known) && !isEnded(popped);
  if (known && !isReopened) return replace(calls, known, popped);
  return withoutSurplus([popped, ...calls.filter((other) => other !== known)]);
}

function updated(known: CallOnScreen, update: Update): CallOnScreen {
  const call = { ...known.call, ...update.call };
  const timeline = update.timeline ?? known.timeline;
  return {
    ...known,
    call,
    version: update.version,
    digest: update.digest ?? known.digest,
    timeline: timeline && updatedTimeline(timeline, update),
    missing: update.timeline ? null : (update.missing ?? known.missing),
    endReason: endReasonAfter(known, update),
    found: known.found && updatedFound(known.found, timeline, update),
    marks: known.timeline ? marksAfter(known, known.timeline, update) : known.marks,
  };
}

function marksAfter(
  { marks }: CallOnScreen,
  timeline: Timeline,
  { interactions, removed }: Update,
): ReadonlyMap<string, Mark> {
  const next = new Map(marks);
  const loaded = new Set(interactionsOf(timeline).map(({ interactionId }) => interactionId));
  for (const { interactionId } of interactions ?? []) {
    // What is still new to the agent stays so, however often it is corrected.
    if (next.get(interactionId) !== "new")
      next.set(interactionId, loaded.has(interactionId) ? "corrected" : "new");
  }
  for (const interactionId of removed ?? []) next.delete(interactionId);
  return next;
}

/** Ids of the interactions that are new to a call since it was as it was before. */
export function arrivedSince(before: CallOnScreen, { marks }: CallOnScreen): string[] {
  return [...marks].filter(([id, mark]) => mark === "new" && !before.marks.has(id)).map(([id]) => id);
}

/** The agent has looked at an interaction: its mark has done its work. */
export function lookedAt(calls: Calls, callId: string, interactionId: string): Calls {
  return calls.map((entry) => {
    if (entry.call.callId !== callId || !entry.marks.has(interactionId)) return entry;
    const marks = new Map(entry.marks);
    marks.delete(interactionId);
    return { ...entry, marks };
  });
}

function endReasonAfter(known: CallOnScreen, update: Update): string | null {
  const state = update.call?.state;
  if (state === undefined) return known.endReason;
  return state === "ended" ? (known.endReason ?? "ended") : null;
}

/** It stays, marked, for the wrap-up. */
function applyEnded(calls: Calls, known: CallOnScreen, ended: Ended): Calls {
  const { version, digest = known.digest, reason: endReason } = ended;
  const marked = { ...known, version, digest, endReason };
  return withoutSurplus(replace(calls, known, marked));
}

function withoutSurplus(calls: Calls): Calls {
  const passing = calls.filter((entry) => isEnded(entry) && !entry.isKept);
  const surplus = new Set(passing.slice(ENDED_CALLS_MAX));
  return surplus.size === 0 ? calls : calls.filter((call) => !surplus.has(call));
}

/** A kept call is not pushed out by later ones. */
export function keep(calls: Calls, callId: string, isKept: boolean): Calls {
  return calls.map((entry) => (entry.call.callId === callId ? { ...entry, isKept } : entry));
}

/** Takes a call off the screen. */
export function dismiss(calls: Calls, callId: string): Calls {
  return calls.filter(({ call }) => call.callId !== callId);
}

/** Versions count within one session: a new one begins again. */
export function beginSession(calls: Calls): Calls {
  return calls.map((entry) => ({ ...entry, version: -1 }));
}

/** The frames that put these calls on another screen as they stand on this one. */
export function pops(calls: Calls): Pop[] {
  return calls.toReversed().map((entry) => {
    const { version, digest, timeline, missing } = entry;
    const call = isEnded(entry) ? { ...entry.call, state: "ended" } : entry.call;
    // The service numbers from 1.
    return { type: "pop", version: Math.max(version, 0), digest, announce: false, call, timeline, missing };
  });
}

/** What a client that comes back need not be sent again; a call that is marked as over need not be ended again. */
export function showing(calls: Calls): Showing[] {
  return calls.map((entry) => {
    const shown = { callId: entry.call.callId, digest: entry.digest };
    return isEnded(entry) ? { ...shown, ended: true } : shown;
  });
}

/** The calls with the answer to a search: a new selection, or with `from` the page of older interactions that begins there. */
export function applySearch(
  calls: Calls,
  callId: string,
  filters: Filters,
  answer: Timeline,
  from?: Older,
): Calls {
  const known = withCall(calls, callId);
  if (!known) return calls;
  if (!from) return replace(calls, known, { ...known, found: { filters, timeline: answer } });
  const { found, timeline } = known;
  if (found && isSameQuestion(found.filters, filters)) {
    const paged = { ...found, timeline: appendOlder(found.timeline, answer, from) };
    return replace(calls, known, { ...known, found: paged });
  }
  if (!timeline || !isSameQuestion(questionOf(timeline), filters)) return calls;
  return replace(calls, known, { ...known, timeline: appendOlder(timeline, answer, from) });
}

/**
 * The calls with what the service answers now to the search that `found` answered. What was loaded behind its first page
 * stays, unless the agent may see something else of it now.
 */
export function applyFresh(
  calls: Calls,
  callId: string,
  filters: Filters,
  fresh: Timeline,
  isWhole: boolean,
): Calls {
  const known = withCall(calls, callId);
  if (!known?.found || !isSameQuestion(known.found.filters, filters)) return calls;
  const timeline = isWhole ? fresh : mergeFresh(known.found.timeline, fresh);
  return replace(calls, known, { ...known, found: { ...known.found, timeline } });
}

function replace(calls: Calls, known: CallOnScreen, next: CallOnScreen): Calls {
  return calls.map((entry) => (entry === known ? next : entry));
}

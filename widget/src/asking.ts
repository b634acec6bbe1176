// What an agent asks the service for about a call: another selection of its timeline, or its masked number in whole.
import { applyFresh, applySearch, type CallOnScreen, type Calls, withCall } from "./calls.ts";
import type { CallDesk } from "./desk.ts";
import type { CallFrame, Older, Question, Timeline, Update } from "./frames.ts";
import { KeepingUp, PAUSE_MS } from "./keeping-up.ts";
import { isUnsure, updatedAnswer } from "./merging.ts";
import type { JourneyError } from "./requests.ts";
import type { Filters } from "./timeline.ts";

/** The service had no room for a search, or left it for one of another tab's: it is asked once more, after a pause. */
const PASSING = ["busy", "replaced"];

interface AskingHost {
  ask: <Answer>(question: Question) => Promise<Answer>;
  /** Those on screen; none where there is no screen any more. */
  calls: () => Calls;
  deskOf: (entry: CallOnScreen) => CallDesk;
  onDesk: (entry: CallOnScreen, change: Partial<CallDesk>) => void;
  /** What the agent reads stays where it is. */
  onAnswer: (calls: Calls) => void;
}

/** A search under way, and what came meanwhile: the answer may be older than that. */
interface Asked {
  callId: string;
  updates: Update[];
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export class Asking {
  readonly #host: AskingHost;
  readonly #asked = new Set<Asked>();
  readonly #keepingUp: KeepingUp;

  constructor(host: AskingHost) {
    this.#host = host;
    this.#keepingUp = new KeepingUp({
      foundOf: (callId) => {
        const entry = withCall(host.calls(), callId);
        return entry && host.deskOf(entry).isSearching ? undefined : (entry?.found ?? null);
      },
      ask: (callId, filters) => this.#answerTo(callId, filters),
      onFresh: (callId, filters, fresh, isWhole) =>
        host.onAnswer(applyFresh(host.calls(), callId, filters, fresh, isWhole)),
      wait,
    });
  }

  /** A frame was applied to the call, which was as it is here. */
  heard(known: CallOnScreen | undefined, frame: CallFrame): void {
    if (!known || frame.type !== "update") return;
    const { found, timeline, call } = known;
    const { callId } = call;
    for (const asked of this.#asked) if (asked.callId === callId) asked.updates.push(frame);
    // A whole timeline may come because the agent may see less of it now.
    if (found && isUnsure(found, timeline, frame)) this.#keepingUp.want(callId, Boolean(frame.timeline));
  }

  /** By the filters as they stand; with `from`, for the page of older ones that begins there. */
  async search(entry: CallOnScreen, from?: Older): Promise<void> {
    const { calls, deskOf, onDesk, onAnswer } = this.#host;
    const { callId } = entry.call;
    const { filters } = deskOf(entry);
    onDesk(entry, { isSearching: true, searchProblem: null });
    try {
      const answer = await twice(() => this.#answerTo(callId, filters, from));
      onAnswer(applySearch(calls(), callId, filters, answer, from));
      onDesk(entry, { isSearching: false });
    } catch (error) {
      const problem = error as JourneyError;
      onDesk(entry, { isSearching: false, searchProblem: problem.code === "replaced" ? null : problem });
    }
  }

  async #answerTo(callId: string, filters: Filters, from?: Older): Promise<Timeline> {
    const { campaign, channel, months } = filters;
    const asked: Asked = { callId, updates: [] };
    this.#asked.add(asked);
    try {
      const answer = await this.#host.ask<Timeline>({
        type: "search",
        callId,
        months,
        ...(campaign === null ? {} : { campaign }),
        ...(channel === null ? {} : { channel }),
        ...(from && { before: from.before, beforeId: from.beforeId }),
      });
      return asked.updates.reduce((sum, update) => updatedAnswer(filters, sum, update), answer);
    } finally {
      this.#asked.delete(asked);
    }
  }

  /** The number in whole, or masked again. */
  async reveal(entry: CallOnScreen): Promise<void> {
    const { ask, deskOf, onDesk } = this.#host;
    if (deskOf(entry).number !== null) return onDesk(entry, { number: null });
    onDesk(entry, { isRevealing: true, revealProblem: null });
    try {
      const number = await ask<string>({ type: "reveal", callId: entry.call.callId });
      onDesk(entry, { isRevealing: false, number });
    } catch (error) {
      onDesk(entry, { isRevealing: false, revealProblem: error as JourneyError });
    }
  }
}

async function twice<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!PASSING.includes((error as JourneyError).code)) throw error;
    await wait(PAUSE_MS);
    return ask();
  }
}

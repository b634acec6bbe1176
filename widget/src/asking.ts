// What an agent asks the service for about a call: another selection of its timeline, or its masked number in whole.
import type { CallOnScreen } from "./calls.ts";
import type { CallDesk } from "./desk.ts";
import type { Question, Timeline } from "./frames.ts";
import type { JourneyError } from "./requests.ts";
import type { Filters } from "./timeline.ts";

interface AskingHost {
  ask: <Answer>(question: Question) => Promise<Answer>;
  deskOf: (entry: CallOnScreen) => CallDesk;
  onDesk: (entry: CallOnScreen, change: Partial<CallDesk>) => void;
  onFound: (callId: string, filters: Filters, answer: Timeline, isOlderPage: boolean) => void;
}

export class Asking {
  readonly #host: AskingHost;

  constructor(host: AskingHost) {
    this.#host = host;
  }

  /** By the filters as they stand; with `before`, for what is older than that. */
  async search(entry: CallOnScreen, before?: string): Promise<void> {
    const { ask, deskOf, onDesk, onFound } = this.#host;
    const { callId } = entry.call;
    const { filters } = deskOf(entry);
    const { campaign, channel, months } = filters;
    onDesk(entry, { isSearching: true, searchProblem: null });
    try {
      const answer = await ask<Timeline>({
        type: "search",
        callId,
        months,
        ...(campaign === null ? {} : { campaign }),
        ...(channel === null ? {} : { channel }),
        ...(before === undefined ? {} : { before }),
      });
      onFound(callId, filters, answer, before !== undefined);
      onDesk(entry, { isSearching: false });
    } catch (error) {
      onDesk(entry, { isSearching: false, searchProblem: error as JourneyError });
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

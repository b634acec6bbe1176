// Draws a long journey in steps: its newest end with the call, the rest while the page has time, so that a customer
// of many years does not hold up the pop.
import type { ReactiveControllerHost } from "lit";
import type { Day } from "../frames.ts";

/** What most panels have room for; the next step follows the paint of these. */
const FIRST = 12;
/** Few enough that drawing them takes less time than a frame. */
const STEP = 40;

export class Unrolling {
  readonly #host: ReactiveControllerHost;
  #list = "";
  #drawn = FIRST;
  #isUnderWay = false;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
  }

  /** How many interactions of this list to draw now; asks for the next step while there are more. */
  reach(list: string, total: number): number {
    if (list !== this.#list) this.#drawn = FIRST;
    this.#list = list;
    if (this.#drawn < total && !this.#isUnderWay) this.#goOn();
    return this.#drawn;
  }

  #goOn(): void {
    this.#isUnderWay = true;
    // After the paint of what is drawn already.
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#isUnderWay = false;
        this.#drawn += STEP;
        this.#host.requestUpdate();
      }),
    );
  }
}

/** The newest days that together have at least `count` interactions. */
export function newestDays(days: Day[], count: number): Day[] {
  let sum = 0;
  const last = days.findIndex(({ interactions }) => {
    sum += interactions.length;
    return sum >= count;
  });
  return last < 0 ? days : days.slice(0, last + 1);
}

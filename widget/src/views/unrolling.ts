// Draws a long journey in steps: what is in view with the call, the rest while the page has time, so that a customer
// of many years holds up neither the pop nor an agent who scrolls at once.
import type { ReactiveControllerHost } from "lit";
import type { Day } from "../frames.ts";

/** What most panels have room for. */
const FIRST = 12;
/** `missed`: where the agent looks at nothing, whose wait counts then more than a frame. */
const STEP = { first: 20, min: 5, max: 120, missed: 60 };
/** A step takes about as long as leaves a frame its time for everything else. */
const STEP_MS = 4;
/** A page that is never idle, as while it is scrolled, gets its steps all the same. */
const IDLE_WAIT_MS = 100;
/** As the style sheet has it. */
const DAY_WIDTH_PX = 280;

export class Unrolling {
  readonly #host: ReactiveControllerHost & HTMLElement;
  #list = "";
  #drawn = FIRST;
  #step = STEP.first;
  #isUnderWay = false;
  #isMissed = false;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.#host = host;
  }

  /** How many interactions of this list to draw now; asks for the next step while there are more. */
  reach(list: string, total: number, first = FIRST): number {
    if (list !== this.#list) {
      this.#list = list;
      this.#drawn = Math.min(first, FIRST);
      this.#isMissed = false;
    }
    if (this.#drawn < total && !this.#isUnderWay) this.#goOn();
    return this.#drawn;
  }

  #goOn(): void {
    this.#isUnderWay = true;
    // After the paint of what is drawn already.
    const draw = () => void this.#draw();
    requestAnimationFrame(() => (this.#isMissed ? setTimeout(draw) : whenIdle(draw)));
  }

  async #draw(): Promise<void> {
    this.#isUnderWay = false;
    const step = this.#isMissed ? STEP.missed : this.#step;
    this.#drawn += step;
    const began = performance.now();
    this.#host.requestUpdate();
    await this.#host.updateComplete;
    // What a step costs is its layout more than its drawing: it is done now, and counted, instead of with the next picture.
    const view = this.#host.getBoundingClientRect();
    this.#isMissed = this.#isInView(view);
    const pace = STEP_MS / Math.max(performance.now() - began, 0.5);
    this.#step = Math.round(Math.min(STEP.max, Math.max(STEP.min, step * Math.min(pace, 2))));
  }

  /** Whether the agent has scrolled to where nothing is drawn yet. */
  #isInView({ left, right, top, bottom }: DOMRect): boolean {
    const undrawn = this.#host.shadowRoot?.querySelector(".undrawn")?.getBoundingClientRect();
    if (!undrawn) return false;
    return undrawn.left < right && undrawn.right > left && undrawn.top < bottom && undrawn.bottom > top;
  }
}

/** Not every browser says when it is idle. */
function whenIdle(then: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(then, { timeout: IDLE_WAIT_MS });
  else setTimeout(then);
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

/** How many interactions the days have that stand side by side in this width. */
export function countInView(days: Day[], width: number): number {
  const inView = days.slice(0, Math.ceil(width / DAY_WIDTH_PX));
  return inView.reduce((sum, { interactions }) => sum + interactions.length, 0);
}

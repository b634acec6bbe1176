// How a journey is laid out: by the width of the panel, by what the host says, and by what the agent chose.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Arrangement, Layout, View } from "../layout.ts";

/** Below this the vertical timeline is shown; the style sheet's container queries use the same width. */
const WIDE_FROM_PX = 640;

export class Arranging implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #layout: () => Layout;
  readonly #resize = new ResizeObserver(([entry]) => entry && this.#measured(entry.contentRect.width));
  #view: View = "timeline";
  #width = 0;
  #isWide = true;
  #hasChosen = false;
  #hasMeasured = false;

  constructor(host: ReactiveControllerHost & HTMLElement, layout: () => Layout) {
    this.#host = host;
    this.#layout = layout;
    host.addController(this);
  }

  get arrangement(): Arrangement {
    if (this.#layout() === "horizontal" || this.#isWide) return this.#view === "grid" ? "grid" : "horizontal";
    return "vertical";
  }

  /** Of the element, in pixels; 0 where it is not laid out. */
  get width(): number {
    return this.#width;
  }

  /** The agent's choice, which wins from now on. */
  choose(view: View): void {
    this.#hasChosen = true;
    this.#view = view;
    this.#host.requestUpdate();
  }

  hostConnected(): void {
    this.#measured(this.#host.getBoundingClientRect().width);
    this.#resize.observe(this.#host);
  }

  hostDisconnected(): void {
    this.#resize.disconnect();
  }

  /**
   * Widening a panel that was narrow shows the grid, as does the vertical layout whenever it is wide;
   * a panel that was wide from the beginning shows the timeline.
   */
  #measured(width: number): void {
    if (width === 0) return;
    this.#width = width;
    const before = this.arrangement;
    const isWide = width >= WIDE_FROM_PX;
    const isWidened = this.#hasMeasured && isWide && !this.#isWide;
    const isGrid = isWidened || (isWide && this.#layout() === "vertical");
    if (isGrid && !this.#hasChosen && this.#layout() !== "horizontal") this.#view = "grid";
    this.#hasMeasured = true;
    this.#isWide = isWide;
    if (this.arrangement !== before) this.#host.requestUpdate();
  }
}

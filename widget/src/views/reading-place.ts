// Where the agent reads in a timeline or grid, and how that place stays where it is while the list grows around it.
// The browser does this along lines of text only, and not every browser does.

const NEAR_PX = 8;

export class ReadingPlace {
  readonly #root: () => ParentNode;
  /** Scrolling does not bubble. */
  readonly onScroll: { handleEvent: (event: Event) => void; capture: true; passive: true };
  /** A scroller that stands away from its newest end. It is listened to: asking at each drawing would lay the page out. */
  #away: Element | null = null;
  #hasLooked = false;

  constructor(root: () => ParentNode, onScrolled: () => void) {
    this.#root = root;
    const handleEvent = ({ target }: Event) => {
      if (target === this.#scroller()) this.#look();
      onScrolled();
    };
    this.onScroll = { handleEvent, capture: true, passive: true };
  }

  /** Away from the end where the newest stands. */
  get isAway(): boolean {
    return this.#away !== null && this.#away === this.#scroller();
  }

  goToNewest(): void {
    this.#scroller()?.scrollTo(0, 0);
    this.#away = null;
  }

  /** To call before the list changes; what it gives back is to be called after, and undoes the shift. */
  hold(): () => void {
    this.#lookOnce();
    const scroller = this.#scroller();
    if (!scroller || !this.isAway) return () => {};
    const view = scroller.getBoundingClientRect();
    const day = firstInView(scroller, ".day, tbody tr", view);
    const anchor = (day && firstInView(day, "[data-id]", view)) ?? day;
    const before = anchor?.getBoundingClientRect();
    return () => {
      // One that was removed stands nowhere.
      const after = anchor?.isConnected ? anchor.getBoundingClientRect() : undefined;
      if (before && after) scroller.scrollBy(after.left - before.left, after.top - before.top);
    };
  }

  /** Changes the list, and nothing that is read moves. */
  async keep(change: () => Promise<unknown>): Promise<void> {
    const restore = this.hold();
    await change();
    restore();
  }

  /**
   * An agent who scrolls this very moment is told of it with the next picture only. Once before that is enough: after a
   * change it would lay out what the next frame changes again.
   */
  #lookOnce(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    requestAnimationFrame(() => {
      this.#hasLooked = false;
    });
    this.#look();
  }

  /** The horizontal timeline counts its way from the newest end backwards. */
  #look(): void {
    const scroller = this.#scroller();
    if (!scroller) return;
    const { scrollLeft, scrollTop } = scroller;
    this.#away = Math.abs(scrollLeft) > NEAR_PX || scrollTop > NEAR_PX ? scroller : null;
  }

  #scroller(): HTMLElement | null {
    return this.#root().querySelector<HTMLElement>(".timeline, .grid-scroll");
  }
}

function firstInView(parent: HTMLElement, selector: string, view: DOMRect): HTMLElement | undefined {
  return [...parent.querySelectorAll<HTMLElement>(selector)].find((one) => {
    const box = one.getBoundingClientRect();
    return box.right > view.left && box.left < view.right && box.bottom > view.top && box.top < view.bottom;
  });
}

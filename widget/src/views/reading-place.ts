// Where the agent reads in a timeline or grid, and how that place stays where it is while the list grows around it.
// The browser does this along lines of text only, and not every browser does.

const NEAR_PX = 8;

function scrollerIn(root: ParentNode): HTMLElement | null {
  return root.querySelector<HTMLElement>(".timeline, .grid-scroll");
}

/** Away from the end where the newest stands; the horizontal timeline counts its way from there backwards. */
export function isAwayFromNewest(root: ParentNode): boolean {
  const scroller = scrollerIn(root);
  return scroller !== null && (Math.abs(scroller.scrollLeft) > NEAR_PX || scroller.scrollTop > NEAR_PX);
}

export function goToNewest(root: ParentNode): void {
  scrollerIn(root)?.scrollTo(0, 0);
}

function firstInView(parent: HTMLElement, selector: string, view: DOMRect): HTMLElement | undefined {
  return [...parent.querySelectorAll<HTMLElement>(selector)].find((one) => {
    const box = one.getBoundingClientRect();
    return box.right > view.left && box.left < view.right && box.bottom > view.top && box.top < view.bottom;
  });
}

/** To call before the list changes; what it gives back is to be called after, and undoes the shift. */
export function holdPlace(root: ParentNode): () => void {
  const scroller = scrollerIn(root);
  if (!scroller || !isAwayFromNewest(root)) return () => {};
  const view = scroller.getBoundingClientRect();
  const day = firstInView(scroller, ".day, tbody tr", view);
  const anchor = (day && firstInView(day, "[data-id]", view)) ?? day;
  const before = anchor?.getBoundingClientRect();
  return () => {
    const after = anchor?.getBoundingClientRect();
    if (before && after) scroller.scrollBy(after.left - before.left, after.top - before.top);
  };
}

// Many buttons, one tab stop: arrows move between them, so that Tab leads past five hundred interactions in one step.
// The first button is always a stop; the one that was used last is one too.

/** Where an arrow leads from a button, by the key; nothing where it leads nowhere. */
export type Steps = Partial<Record<string, HTMLElement | null | undefined>>;

/** Up, down, to the first and the last, in the order of the document. */
export function stepsAlong(buttons: HTMLElement[], from: HTMLElement): Steps {
  const index = buttons.indexOf(from);
  return {
    ArrowUp: buttons[index - 1],
    ArrowDown: buttons[index + 1],
    Home: buttons[0],
    End: buttons.at(-1),
  };
}

/** Moves the focus to where the key leads, and makes the button that it reaches the tab stop. */
export function follow(
  event: KeyboardEvent,
  first: HTMLElement | undefined,
  from: HTMLElement,
  steps: Steps,
): void {
  const to = steps[event.key];
  if (!to) return;
  event.preventDefault();
  if (from !== first) from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

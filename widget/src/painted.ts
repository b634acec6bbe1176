// When what was rendered is really on the screen.

/** Resolves once the browser has painted what the document holds now. */
export function painted(): Promise<void> {
  // An animation frame's callback runs before its paint, a task queued from it runs after.
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
}

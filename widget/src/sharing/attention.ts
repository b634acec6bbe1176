// Whether the agent looks at this tab, as far as a browser knows.

/** 2: it has the focus; 1: it is visible; 0: it is hidden. */
export type Attention = 0 | 1 | 2;

export function attention(): Attention {
  if (document.visibilityState === "hidden") return 0;
  return document.hasFocus() ? 2 : 1;
}

/** Calls back whenever the attention may have changed, until `signal` ends it. */
export function onAttention(changed: () => void, signal: AbortSignal): void {
  document.addEventListener("visibilitychange", changed, { signal });
  window.addEventListener("focus", changed, { signal });
  window.addEventListener("blur", changed, { signal });
}

// The words for how a journey is laid out. Types alone: those of the published package need no Lit.

/** What the host wants. */
export type Layout = "auto" | "horizontal" | "vertical";

/** What the agent chose. */
export type View = "timeline" | "grid";

/** What is shown. */
export type Arrangement = "horizontal" | "vertical" | "grid";

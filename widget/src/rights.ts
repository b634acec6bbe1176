// What the agent's token allows, and what the company's policy keeps from this agent.
import type { Authenticated, Welcome } from "./frames.ts";

export interface Rights {
  readonly scopes: ReadonlySet<string>;
  /** `numbers` (masked), `comments`, `scores`, `names`, `campaigns`. */
  readonly hidden: ReadonlySet<string>;
}

export const ALL_RIGHTS: Rights = { scopes: new Set(), hidden: new Set() };

export function rightsOf({ scopes, hidden }: Welcome): Rights {
  return { scopes: new Set(scopes), hidden: new Set(hidden) };
}

/** A fresh token may allow something else; the policy's word stands until the next welcome. */
export function renewed({ hidden }: Rights, { scopes }: Authenticated): Rights {
  return { scopes: new Set(scopes), hidden };
}

/** Masked numbers can be asked for. */
export function canReveal({ scopes, hidden }: Rights): boolean {
  return hidden.has("numbers") && scopes.has("numbers:reveal");
}

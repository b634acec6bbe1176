// What the element tells its host. All of it bubbles and is composed, so it can be listened to at any node above.
import type { Connection } from "./client.ts";
import type { Call, Interaction } from "./frames.ts";

export interface CustomerJourneyEventMap {
  "connection-change": CustomEvent<Connection>;
  pop: CustomEvent<{ call: Call; announce: boolean }>;
  "call-ended": CustomEvent<{ callId: string; reason: string }>;
  "active-call-change": CustomEvent<{ callId: string | null }>;
  "item-selected": CustomEvent<{ callId: string; interaction: Interaction }>;
}

declare global {
  interface GlobalEventHandlersEventMap extends CustomerJourneyEventMap {}
}

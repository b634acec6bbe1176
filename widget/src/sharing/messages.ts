// What the tabs of one agent tell each other over their BroadcastChannel. No token is ever among it.
import type { Connection } from "../client.ts";
import type { Authenticated, CallFrame, Question, Showing, Welcome } from "../frames.ts";
import type { Attention } from "./attention.ts";

/** From the follower whose id it carries, to whoever speaks. */
export type Said =
  | { type: "hello"; follower: string; showing: Showing[]; attention: Attention }
  | { type: "attention"; follower: string; attention: Attention }
  | { type: "painted"; follower: string; receipt: number }
  | { type: "ask"; follower: string; request: number; question: Question };

export type News =
  | { type: "speaking" }
  | { type: "connection"; connection: Connection }
  | { type: "welcome"; welcome: Welcome }
  | { type: "authenticated"; authenticated: Authenticated }
  /** `receipt` is given back once it is painted; `announcer` is the one tab that announces a pop. */
  | { type: "frame"; frame: CallFrame; receipt?: number; announcer?: string | undefined }
  | { type: "answer"; request: number; answer: unknown }
  | { type: "problem"; request: number; code: string; text: string };

/** From the speaker, whose id it carries, to all followers, or to the one that is named. */
export type Told = News & { speaker: string; to?: string | undefined };

/** Goes with the name of the channel: tabs whose versions of this module speak differently do not share. */
export const MESSAGES_VERSION = 2;

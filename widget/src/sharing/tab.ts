// What the two roles, speaker and follower, need of the tab they are played in.
import type { Connection, JourneyClientOptions } from "../client.ts";
import type { CallFrame, Pop } from "../frames.ts";
import type { Said, Told } from "./messages.ts";

export interface SharedClientOptions extends JourneyClientOptions {
  /** The calls on screen, oldest first, for a tab that joins. */
  pops: () => Pop[];
}

export interface Tab {
  readonly id: string;
  readonly options: SharedClientOptions;
  /** The name of the lock that a tab holds as long as it is there. */
  lockOf: (id: string) => string;
  post: (message: Said | Told) => void;
  connected: (connection: Connection) => void;
  /** Shows a frame, and announces it only in the tab that is to do so. */
  show: (frame: CallFrame, announcer: string | undefined) => unknown;
}

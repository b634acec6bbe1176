// The records and frames that travel over the WebSocket, as the service sends them (subprotocol backstory.v1).
// Fields that are not listed here are ignored; states, modes, channels and outcomes are open sets of data.

export const SUBPROTOCOL = "backstory.v1";

export interface Named {
  id: string;
  name?: string | null;
}

export interface Outcome {
  code: string;
  label?: string | null;
  /** `success`, `failure` or `neutral`; anything else counts as neutral. */
  class?: string | null;
  parent?: string | null;
  telephony?: string | null;
  reached?: boolean | null;
}

export interface Interaction {
  interactionId: string;
  /** `campaign_manager` or `data_cloud`. */
  source: string;
  contactId?: string | null;
  address: string;
  campaign?: Named | null;
  channel: string;
  mode?: string | null;
  direction?: string | null;
  startedAt: string;
  endedAt?: string | null;
  outcome?: Outcome | null;
  previousScore?: number | null;
  currentScore?: number | null;
  agent?: Named | null;
  comments?: string | null;
  updatedAt?: string | null;
}

/** Arithmetic over the period, one per contact. */
export interface Brief {
  lastAt?: string | null;
  lastChannel?: string | null;
  lastMode?: string | null;
  lastOutcome?: Outcome | null;
  lastAgent?: Named | null;
  attempts7d?: number | null;
  attempts30d?: number | null;
  failuresInARow?: number | null;
  lastReachedAt?: string | null;
  lastReachedMode?: string | null;
  score?: number | null;
  scoreChange?: number | null;
}

export interface ContactSummary {
  contactId: string;
  name?: string | null;
  /** Where they are, by its IANA name, where that is known. */
  timeZone?: string | null;
  interactions: number;
  /** `interactions` is a lower bound. */
  atLeast?: boolean;
  lastAt?: string | null;
  brief?: Brief | null;
}

export interface CampaignSummary {
  id: string;
  name?: string | null;
  listed: boolean;
  interactions: number;
}

export interface ChannelSummary {
  channel: string;
  interactions: number;
}

export interface Day {
  /** A calendar day in the timeline's time zone, YYYY-MM-DD. */
  date: string;
  interactions: Interaction[];
}

/** Why something that was asked for is not there: a code for programs, a sentence for people. */
export interface Missing {
  code: string;
  text: string;
}

export interface SourceState {
  source: string;
  asOf?: string | null;
  missing?: Missing | null;
}

/** A place in the order of interactions: the next page begins behind it. */
export interface Older {
  before: string;
  beforeId: string;
}

export interface Timeline {
  number: string;
  /** It could not be read as a phone number, and was looked up as given. */
  numberAsGiven?: boolean;
  timeZone: string;
  period: { months: number; from: string; to: string };
  contacts: ContactSummary[];
  /** Contacts behind the number that are not in `contacts`; absent: none. */
  moreContacts?: number;
  campaigns: CampaignSummary[];
  /** Campaigns that are not in `campaigns`; absent: none. */
  moreCampaigns?: number;
  channels: ChannelSummary[];
  /** Newest first, each with its interactions newest first; of one moment by `interactionId`. */
  days: Day[];
  /** Interactions of the whole period, before any filter. */
  total: number;
  /** Interactions that pass the filters of a search. */
  matching?: number | null;
  /** Interactions that are in `days`. */
  shown: number;
  /** More are behind the number than the service counts: all counts but `shown` are lower bounds. */
  atLeast?: boolean;
  /** Where the next page begins; absent: nothing is older. A page may be empty and still have it. */
  older?: Older | null;
  sources?: SourceState[];
}

export interface Call {
  callId: string;
  /** `offered`, `connected`, `wrap_up` or `ended`. */
  state: string;
  agentId?: string;
  /** `inbound`, `outbound` or `manual_outbound`. */
  direction: string;
  /** The customer's number; absent when the call has none. */
  number?: string | null;
  campaign?: Named | null;
  at?: string | null;
}

export interface Mode {
  mode: string;
  label: string;
  channel: string;
  icon: string;
  color: string;
}

export interface Channel {
  channel: string;
  label: string;
  icon: string;
  color: string;
}

export interface Welcome {
  type: "welcome";
  session: string;
  agent: string;
  node: string;
  serverTime: string;
  heartbeatSeconds: number;
  modes?: Mode[];
  channels?: Channel[];
  /** Sources whose interactions are shown by their channels alone; absent: none. */
  withoutModes?: string[];
  /** When the token ends, and with it the session unless a fresh one comes; absent without authentication. */
  expiresAt?: string | null;
  /** What the token allows; absent without authentication. */
  scopes?: string[] | null;
  /** What the company's policy keeps from this agent: `numbers` (masked), `comments`, `scores`, `names`, `campaigns`. */
  hidden?: string[] | null;
}

/** A fresh token holds from now on. */
export interface Authenticated {
  type: "authenticated";
  expiresAt?: string | null;
  scopes: string[];
}

export interface Pop {
  type: "pop";
  version: number;
  digest: string;
  announce: boolean;
  call: Call;
  timeline: Timeline | null;
  missing?: Missing | null;
}

export interface Update {
  type: "update";
  version: number;
  digest?: string;
  callId: string;
  call?: Partial<Call> | null;
  interactions?: Interaction[] | null;
  removed?: string[] | null;
  timeline?: Timeline | null;
  missing?: Missing | null;
  contacts?: ContactSummary[] | null;
  campaigns?: CampaignSummary[] | null;
  channels?: ChannelSummary[] | null;
  total?: number | null;
  /** These come with `total`. */
  moreContacts?: number | null;
  moreCampaigns?: number | null;
  atLeast?: boolean | null;
}

export interface Ended {
  type: "ended";
  version: number;
  /** Of the call as it stays on screen for its wrap-up. */
  digest?: string;
  callId: string;
  /** `ended`, `taken`, `retracted` or `expired`. */
  reason: string;
}

export interface SearchReply {
  type: "timeline";
  request: number;
  timeline: Timeline;
}

/** One number in whole. */
export interface Revealed extends Reveal {
  type: "revealed";
  request: number;
  number: string;
}

export interface ErrorFrame {
  type: "error";
  request?: number | null;
  code: string;
  text: string;
}

export interface Goodbye {
  type: "goodbye";
  reason: string;
  comeBackMs: number;
}

export type ServerFrame =
  | Welcome
  | Authenticated
  | Pop
  | Update
  | Ended
  | SearchReply
  | Revealed
  | ErrorFrame
  | Goodbye
  | { type: "pong" };

/** The frames that change an open call; each grows that call's version within one session. */
export type CallFrame = Pop | Update | Ended;

/** What an agent asks the service for; with the `older` of a timeline in it, for the page that begins there. */
export interface Search extends Partial<Older> {
  callId: string;
  campaign?: string;
  channel?: string;
  months: number;
}

/** Whose masked number an agent asks for: the call's, or that of an interaction in its timeline. */
export interface Reveal {
  callId: string;
  /** Whose call it is, where it is another agent's. */
  agentId?: string;
  interactionId?: string;
}

/** What one asks the service for, and is answered by number. */
export type Question = ({ type: "search" } & Search) | ({ type: "reveal" } & Reveal);

export interface Showing {
  callId: string;
  digest: string;
  /** It is marked as over already. */
  ended?: boolean;
}

export type ClientFrame =
  | { type: "hello"; token?: string; ticket?: string; agent?: string; timeZone: string; showing: Showing[] }
  | { type: "authenticate"; token: string }
  | { type: "ack"; callId: string; version: number; stage: "received" | "rendered"; ms: number }
  | ({ request: number } & Question)
  | { type: "ping" };

/** The frame in a text message, or nothing when the text is no frame: a newer service must not break an older widget. */
export function decodeFrame(text: unknown): ServerFrame | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isFrame =
      typeof value === "object" && value !== null && typeof (value as ServerFrame).type === "string";
    return isFrame ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

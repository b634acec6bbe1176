// Every state of the element: what the service sends, and what the agent does then.
import { olderThan } from "./journeys.ts";
import { LARGE } from "./large-states.ts";
import { POLICY } from "./policy-states.ts";
import type { Script } from "./scripted-socket.ts";
import {
  answers,
  aYear,
  aYearConnected,
  COME_BACK_CODE,
  COME_BACK_MS,
  connected,
  late,
  manyConnected,
  STAY_AWAY_CODE,
  sends,
} from "./scripts.ts";
import type { World } from "./world.ts";

export interface GalleryState {
  id: string;
  title: string;
  about: string;
  size: "wide" | "narrow" | "small";
  script: (world: World) => Script;
  /** Of the element. */
  attributes?: Readonly<Record<string, string>>;
  /** The language of the page around it. */
  lang?: string;
  /** A host's style sheet around the element, by its name in the gallery's. */
  hostTheme?: string;
  /** What the agent does once the call is there: presses these, one after the other. */
  presses?: readonly string[];
}

export interface Group {
  title: string;
  states: readonly GalleryState[];
}

const JOURNEYS: GalleryState[] = [
  {
    id: "timeline",
    title: "Timeline",
    about: "A call rings. The newest day is at the right; older ones are reached by scrolling left.",
    size: "wide",
    script: aYear,
  },
  {
    id: "grid",
    title: "Grid",
    about: "The same interactions as rows that sort by any column.",
    size: "wide",
    attributes: { layout: "vertical" },
    script: aYearConnected,
  },
  {
    id: "narrow",
    title: "Narrow panel",
    about: "The timeline stands, the newest at the top.",
    size: "narrow",
    script: aYearConnected,
  },
  {
    id: "small",
    title: "320 pixels",
    about: "The narrowest panel: nothing is wider than it.",
    size: "small",
    script: aYear,
  },
  {
    id: "one",
    title: "One interaction",
    about: "All that is known of a customer who was reached once.",
    size: "wide",
    script: sends((world) => [world.pop(world.journey(1))]),
  },
  {
    id: "empty",
    title: "No earlier contact",
    about: "The number is listed, and nobody has talked to it yet.",
    size: "wide",
    script: sends((world) => [world.pop(world.journey(0, { contacts: [] }))]),
  },
  {
    id: "many",
    title: "500 interactions",
    about: "As many as the service sends at once. What is out of sight is not drawn.",
    size: "wide",
    script: manyConnected,
  },
  {
    id: "many-rows",
    title: "500 rows",
    about: "The same as a grid.",
    size: "wide",
    attributes: { layout: "vertical" },
    script: manyConnected,
  },
  {
    id: "part",
    title: "More than was sent",
    about: "What is not loaded is counted, and can be asked for.",
    size: "narrow",
    script: sends((world) => {
      const timeline = world.journey(20, { total: 812 });
      return [world.pop({ ...timeline, older: olderThan(timeline) })];
    }),
  },
];

const CALLS: GalleryState[] = [
  {
    id: "several-contacts",
    title: "Several contacts",
    about: "People who share a number are offered; nobody is picked silently.",
    size: "wide",
    script: sends((world) => [world.pop(world.household())]),
  },
  {
    id: "several-calls",
    title: "Several calls",
    about: "One tab for each call, the newest in front.",
    size: "wide",
    script: sends((world) => [
      world.pop(world.journey(9), { callId: "c-0", state: "connected", number: "+442079460018" }),
      world.pop(world.journey(20)),
    ]),
  },
  {
    id: "live-update",
    title: "Live update",
    about: "Two interactions were recorded during the call.",
    size: "wide",
    script: sends((world) => [connected(world), world.update({ interactions: world.arrivals(), total: 22 })]),
  },
  {
    id: "news",
    title: "News while reading",
    about: "Nothing moves under the agent's eyes; what came is counted, and one press away.",
    size: "wide",
    script: sends((world) => [connected(world), world.update({ interactions: world.arrivals(), total: 22 })]),
    presses: ["#filter-channel", "[role=option]:last-child"],
  },
  {
    id: "hidden-person",
    title: "Not this person",
    about: "One of several contacts is out of sight, and can be brought back.",
    size: "wide",
    script: sends((world) => [world.pop(world.household())]),
    presses: [".chip-pair .icon-button"],
  },
  {
    id: "kept",
    title: "A kept call",
    about: "It is over, and stays for as long as the agent wants it.",
    size: "wide",
    script: sends((world) => [
      world.pop(world.journey(9), { callId: "c-0", state: "connected", number: "+442079460018" }),
      world.pop(world.journey(20)),
      { type: "ended", version: 2, callId: "c-1", reason: "ended" },
    ]),
    presses: [".tab[data-call=c-1][data-state=ended]", ".plain[aria-pressed]"],
  },
  {
    id: "wrap-up",
    title: "Wrap-up",
    about: "The call is over, its agent still at work on it.",
    size: "narrow",
    script: sends((world) => [world.pop(world.journey(20), { state: "wrap_up" })]),
  },
  {
    id: "ended",
    title: "Ended",
    about: "An ended call stays for a while, marked.",
    size: "wide",
    script: sends((world) => [
      connected(world),
      { type: "ended", version: 2, callId: "c-1", reason: "ended" },
    ]),
  },
  {
    id: "taken",
    title: "Taken by another agent",
    about: "The call was offered to several agents, and this one was not the first.",
    size: "narrow",
    script: sends((world) => [
      world.pop(world.journey(20)),
      { type: "ended", version: 2, callId: "c-1", reason: "taken" },
    ]),
  },
];

const ACTIONS: GalleryState[] = [
  {
    id: "details",
    title: "Details",
    about: "What Campaign Manager knows, with the way to the neighbours of the same date.",
    size: "wide",
    script: aYearConnected,
    presses: [".entry"],
  },
  {
    id: "details-narrow",
    title: "Details in a narrow panel",
    about: "What Data Cloud knows.",
    size: "narrow",
    script: aYearConnected,
    presses: [".entry:has(.arrow)"],
  },
  {
    id: "drop-down",
    title: "A filter's list",
    about: "It counts, and narrows as one types.",
    size: "wide",
    script: aYearConnected,
    presses: ["[role=combobox]"],
  },
  {
    id: "nothing-matches",
    title: "Nothing matches",
    about: "The filters that hide everything are named, and can be cleared.",
    size: "wide",
    script: aYearConnected,
    presses: ["[role=combobox]", "[role=option]:last-child"],
  },
  {
    id: "search-failed",
    title: "A search failed",
    about: "Said where one looks; what was there stays.",
    size: "wide",
    script: aYearConnected,
    presses: [".search"],
  },
];

const GAPS: GalleryState[] = [
  {
    id: "waiting",
    title: "No call",
    about: "Connected, and ready for the next call.",
    size: "wide",
    script: sends(() => []),
  },
  {
    id: "late",
    title: "Late timeline",
    about: "The look-up is slow; the call is shown without waiting for it.",
    size: "wide",
    script: sends((world) => [late(world)]),
  },
  {
    id: "late-arrived",
    title: "The late timeline is there",
    about: "It filled in by itself.",
    size: "wide",
    script: sends((world) => [late(world), world.update({ timeline: world.journey(20) })]),
  },
  {
    id: "failed",
    title: "The look-up failed",
    about: "Said in a sentence, with the way to ask again.",
    size: "wide",
    script: sends((world) => [
      world.popWithout("failed", "The history could not be read; the operators have been told."),
    ]),
  },
  {
    id: "missing-source",
    title: "A source did not answer",
    about: "What the other one knows is there.",
    size: "wide",
    script: sends((world) => [world.pop(world.withoutDataCloud(), { state: "connected" })]),
  },
  {
    id: "no-number",
    title: "No number",
    about: "The caller hides it.",
    size: "narrow",
    script: sends((world) => [
      world.popWithout("no_number", "This call carries no number, so there is no history to show.", {
        number: null,
        direction: "inbound",
        campaign: null,
      }),
    ]),
  },
  {
    id: "offline",
    title: "Offline",
    about: "The connection is lost during a call: the timeline stays, and the element comes back by itself.",
    size: "wide",
    script: answers(({ say, hangUp }, world) => {
      say(world.welcome());
      say(connected(world));
      say({ type: "goodbye", reason: "drain", comeBackMs: COME_BACK_MS });
      hangUp(COME_BACK_CODE, "drain");
    }),
  },
  {
    id: "refused",
    title: "Refused",
    about: "The service does not want this session, and says why.",
    size: "narrow",
    script: answers(({ hangUp }) =>
      hangUp(STAY_AWAY_CODE, "Your sign-in has expired. Sign in again, then try again."),
    ),
  },
];

const LOOKS: GalleryState[] = [
  {
    id: "dark",
    title: "Dark",
    about: "By the theme attribute, or as the desktop is.",
    size: "wide",
    attributes: { theme: "dark" },
    script: aYearConnected,
  },
  {
    id: "dark-grid",
    title: "Dark grid",
    about: "The grid, and a call that rings.",
    size: "wide",
    attributes: { theme: "dark", layout: "vertical" },
    script: aYear,
  },
  {
    id: "dark-narrow",
    title: "Dark, narrow",
    about: "The standing timeline.",
    size: "narrow",
    attributes: { theme: "dark" },
    script: aYear,
  },
  {
    id: "light",
    title: "Light",
    about: "By the theme attribute, whatever the desktop is.",
    size: "narrow",
    attributes: { theme: "light" },
    script: aYear,
  },
  {
    id: "host-theme",
    title: "A host's theme",
    about: "Colours, corners and letters of a host, by custom properties.",
    size: "wide",
    hostTheme: "plum",
    script: aYearConnected,
  },
  {
    id: "right-to-left",
    title: "Right to left",
    about: "Arabic: the newest day is at the left, where reading ends.",
    size: "wide",
    lang: "ar",
    script: sends((world) => [world.arabic()]),
  },
  {
    id: "right-to-left-narrow",
    title: "Right to left, narrow",
    about: "The standing timeline in Arabic.",
    size: "narrow",
    lang: "ar",
    script: sends((world) => [world.arabic()]),
  },
];

export const GALLERY: readonly Group[] = [
  { title: "Journeys", states: JOURNEYS },
  { title: "More than is sent, counted or listed", states: LARGE },
  { title: "Calls and people", states: CALLS },
  { title: "What an agent does", states: ACTIONS },
  { title: "When something is missing", states: GAPS },
  { title: "What an agent may see", states: POLICY },
  { title: "Looks", states: LOOKS },
];

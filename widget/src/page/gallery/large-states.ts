// The states in which there is more than is sent, counted or listed.
import { finds, sends } from "./scripts.ts";
import type { GalleryState } from "./states.ts";

/** The first campaign of the list, after all of them. */
const CAMPAIGN_CHOSEN = ["[role=combobox]", "[role=option]:nth-child(2)"];

const vast = sends((world) => [world.pop(world.vast(), { state: "connected" })]);

export const LARGE: GalleryState[] = [
  {
    id: "vast",
    title: "More than is counted",
    about: "More than 20,000 interactions: every count is a lower bound, and says so.",
    size: "wide",
    script: vast,
  },
  {
    id: "vast-narrow",
    title: "More than is counted, narrow",
    about: "The same; the next page can be asked for.",
    size: "narrow",
    script: vast,
  },
  {
    id: "more-campaigns",
    title: "More campaigns than are listed",
    about: "The last line of the list counts them.",
    size: "wide",
    script: vast,
    presses: ["[role=combobox]"],
  },
  {
    id: "further-back",
    title: "Looking further back",
    about: "The service looked through its limit for a filter, and may find more further back.",
    size: "narrow",
    script: finds((world) => world.lookedThrough()),
    presses: [...CAMPAIGN_CHOSEN, ".search"],
  },
  {
    id: "one-moment",
    title: "A page of one moment",
    about: "An import gave one time to all that it wrote; the page ends between two of them.",
    size: "wide",
    attributes: { layout: "vertical" },
    script: sends((world) => [world.pop(world.oneMoment(), { state: "connected" })]),
  },
  {
    id: "switchboard",
    title: "A number of 10,000 people",
    about:
      "Those reached last are offered, the others counted; an interaction of one of these goes by the id.",
    size: "wide",
    script: sends((world) => [world.pop(world.switchboard())]),
  },
  {
    id: "switchboard-narrow",
    title: "The same, narrow",
    about: "The people take a part of the panel and scroll in it; the timeline keeps its room.",
    size: "narrow",
    script: sends((world) => [world.pop(world.switchboard())]),
  },
];

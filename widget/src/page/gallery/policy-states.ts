// The states in which the service must know who the agent is, and keeps something back.
import { answers, maskedCall, TOKEN_NEEDED_CODE, withheld } from "./scripts.ts";
import type { GalleryState } from "./states.ts";

export const POLICY: GalleryState[] = [
  {
    id: "masked",
    title: "Masked numbers",
    about: "Shown as they come; this agent may ask for the call's.",
    size: "wide",
    script: maskedCall,
  },
  {
    id: "revealed",
    title: "A number in whole",
    about: "It was asked for, and stays until the call leaves the screen or the agent hides it.",
    size: "narrow",
    script: maskedCall,
    presses: [".reveal button"],
  },
  {
    id: "hidden-fields",
    title: "Hidden fields",
    about: "What the company keeps back is said once, below; its columns are not there.",
    size: "wide",
    attributes: { layout: "vertical" },
    script: withheld,
  },
  {
    id: "hidden-fields-narrow",
    title: "Hidden fields, narrow",
    about: "The same in the standing timeline.",
    size: "narrow",
    script: withheld,
  },
  {
    id: "sign-in",
    title: "Nobody signed in",
    about: "The service must know who the agent is, and says so in the agent's language.",
    size: "narrow",
    script: answers(({ hangUp }) => hangUp(TOKEN_NEEDED_CODE, "a token is needed")),
  },
];

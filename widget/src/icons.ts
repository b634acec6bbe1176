// The icons, drawn for this element on a 24 × 24 grid; strokes take the colour of the text around them.
import { html, type TemplateResult } from "lit";
import type { Language } from "./language.ts";

/** The data of a path, as it stands in an SVG. */
const svg = String.raw;

/** Each one path: the browser builds one shape for an icon, and there are hundreds of them in a long journey. */
const SHAPES: Record<string, string> = {
  call: svg`M6.6 3.5h2.7l1.5 4.3-2 1.6a12 12 0 0 0 5.8 5.8l1.6-2 4.3 1.5v2.7a2.6 2.6 0 0 1-2.8 2.6A16.4 16.4 0 0 1 4 6.3a2.6 2.6 0 0 1 2.6-2.8Z`,
  mobile: svg`M9.4 2.5h5.2A2.4 2.4 0 0 1 17 4.9v14.2a2.4 2.4 0 0 1-2.4 2.4H9.4A2.4 2.4 0 0 1 7 19.1V4.9a2.4 2.4 0 0 1 2.4-2.4ZM10.6 18.4h2.8`,
  sms: svg`M4.5 4.5h15a1.5 1.5 0 0 1 1.5 1.5v9.5a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.8V17h-2A1.5 1.5 0 0 1 3 15.5V6a1.5 1.5 0 0 1 1.5-1.5ZM7.8 10.8a.3.3 0 1 0 .6 0 .3.3 0 1 0-.6 0M11.8 10.8a.3.3 0 1 0 .6 0 .3.3 0 1 0-.6 0M15.8 10.8a.3.3 0 1 0 .6 0 .3.3 0 1 0-.6 0`,
  email: svg`M4.8 5h14.4A1.8 1.8 0 0 1 21 6.8v10.4a1.8 1.8 0 0 1-1.8 1.8H4.8A1.8 1.8 0 0 1 3 17.2V6.8A1.8 1.8 0 0 1 4.8 5ZM3.8 6.8l8.2 6.4 8.2-6.4`,
  chat: svg`M9.5 14.5H8L4.5 17.2v-3.4A2 2 0 0 1 3 11.9V6.5a2 2 0 0 1 2-2h8.5a2 2 0 0 1 2 2v1M11.5 9.5H19a2 2 0 0 1 2 2v4.6a2 2 0 0 1-1.4 1.9v2.5L16.5 18h-5a2 2 0 0 1-2-2v-4.5a2 2 0 0 1 2-2Z`,
  other: svg`M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M12 8v4.5M12 16h.01`,
  inbound: svg`M17.5 6.5 7 17M7 8.5V17h8.5`,
  outbound: svg`M6.5 17.5 17 7M8.5 7H17v8.5`,
  previous: svg`m14.5 6-6 6 6 6`,
  next: svg`m9.5 6 6 6-6 6`,
  close: svg`m6.5 6.5 11 11M17.5 6.5l-11 11`,
  down: svg`m7 10 5 5 5-5`,
  search: svg`M4.5 10.8a6.3 6.3 0 1 0 12.6 0 6.3 6.3 0 1 0-12.6 0M15.5 15.5l5 5`,
  timeline: svg`M3 6.5h18M7 6.5v5M17 6.5v5M4.7 11.5h4.6a1.2 1.2 0 0 1 1.2 1.2v5.6a1.2 1.2 0 0 1-1.2 1.2H4.7a1.2 1.2 0 0 1-1.2-1.2v-5.6a1.2 1.2 0 0 1 1.2-1.2ZM14.7 11.5h4.6a1.2 1.2 0 0 1 1.2 1.2v5.6a1.2 1.2 0 0 1-1.2 1.2h-4.6a1.2 1.2 0 0 1-1.2-1.2v-5.6a1.2 1.2 0 0 1 1.2-1.2Z`,
  grid: svg`M5 4.5h14A1.5 1.5 0 0 1 20.5 6v12a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18V6A1.5 1.5 0 0 1 5 4.5ZM3.5 9.5h17M3.5 14.5h17M9.5 9.5v10`,
  pin: svg`M9 4h6l-.6 6 3.1 3.5H6.5L9.6 10ZM12 13.5V21`,
  person: svg`M8.2 8a3.8 3.8 0 1 0 7.6 0 3.8 3.8 0 1 0-7.6 0M4.8 20a7.2 7.2 0 0 1 14.4 0`,
  quiet: svg`M3.5 12h4l2-5 4 10 2.2-5h4.8`,
};

/** An icon that only decorates; the words beside it, or hidden in it, carry the meaning. */
export function icon(name: string): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${SHAPES[name] ?? SHAPES.other} /></svg>`;
}

export function hasIcon(name: string): boolean {
  return name in SHAPES;
}

/** The mark of a failure: a red dot that also differs by its cross, for eyes that see no red. */
export const failureMark = ({ say }: Language): TemplateResult =>
  html`<svg class="failure-mark" viewBox="0 0 12 12" role="img" aria-label=${say("failure")}><circle cx="6" cy="6" r="6" /><path d="m3.8 3.8 4.4 4.4M8.2 3.8 3.8 8.2" /></svg>`;

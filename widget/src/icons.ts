// The icons, drawn for this element on a 24 × 24 grid; strokes take the colour of the text around them.
import { html, type SVGTemplateResult, svg, type TemplateResult } from "lit";
import type { Language } from "./language.ts";

const SHAPES: Record<string, SVGTemplateResult> = {
  call: svg`<path d="M6.6 3.5h2.7l1.5 4.3-2 1.6a12 12 0 0 0 5.8 5.8l1.6-2 4.3 1.5v2.7a2.6 2.6 0 0 1-2.8 2.6A16.4 16.4 0 0 1 4 6.3a2.6 2.6 0 0 1 2.6-2.8Z"/>`,
  mobile: svg`<rect x="7" y="2.5" width="10" height="19" rx="2.4"/><path d="M10.6 18.4h2.8"/>`,
  sms: svg`<path d="M4.5 4.5h15a1.5 1.5 0 0 1 1.5 1.5v9.5a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.8V17h-2A1.5 1.5 0 0 1 3 15.5V6a1.5 1.5 0 0 1 1.5-1.5Z"/><path d="M8 10.8h.01M12 10.8h.01M16 10.8h.01" stroke-width="2.4"/>`,
  email: svg`<rect x="3" y="5" width="18" height="14" rx="1.8"/><path d="m3.8 6.8 8.2 6.4 8.2-6.4"/>`,
  chat: svg`<path d="M9.5 14.5H8L4.5 17.2v-3.4A2 2 0 0 1 3 11.9V6.5a2 2 0 0 1 2-2h8.5a2 2 0 0 1 2 2v1"/><path d="M11.5 9.5H19a2 2 0 0 1 2 2v4.6a2 2 0 0 1-1.4 1.9v2.5L16.5 18h-5a2 2 0 0 1-2-2v-4.5a2 2 0 0 1 2-2Z"/>`,
  other: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 8v4.5M12 16h.01"/>`,
  inbound: svg`<path d="M17.5 6.5 7 17M7 8.5V17h8.5"/>`,
  outbound: svg`<path d="M6.5 17.5 17 7M8.5 7H17v8.5"/>`,
  previous: svg`<path d="m14.5 6-6 6 6 6"/>`,
  next: svg`<path d="m9.5 6 6 6-6 6"/>`,
  close: svg`<path d="m6.5 6.5 11 11M17.5 6.5l-11 11"/>`,
  down: svg`<path d="m7 10 5 5 5-5"/>`,
  search: svg`<circle cx="10.8" cy="10.8" r="6.3"/><path d="m15.5 15.5 5 5"/>`,
  timeline: svg`<path d="M3 6.5h18M7 6.5v5M17 6.5v5"/><rect x="3.5" y="11.5" width="7" height="8" rx="1.2"/><rect x="13.5" y="11.5" width="7" height="8" rx="1.2"/>`,
  grid: svg`<rect x="3.5" y="4.5" width="17" height="15" rx="1.5"/><path d="M3.5 9.5h17M3.5 14.5h17M9.5 9.5v10"/>`,
  pin: svg`<path d="M9 4h6l-.6 6 3.1 3.5H6.5L9.6 10ZM12 13.5V21"/>`,
  person: svg`<circle cx="12" cy="8" r="3.8"/><path d="M4.8 20a7.2 7.2 0 0 1 14.4 0"/>`,
  quiet: svg`<path d="M3.5 12h4l2-5 4 10 2.2-5h4.8"/>`,
};

/** An icon that only decorates; the words beside it, or hidden in it, carry the meaning. */
export function icon(name: string): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${SHAPES[name] ?? SHAPES.other}</svg>`;
}

export function hasIcon(name: string): boolean {
  return name in SHAPES;
}

/** The mark of a failure: a red dot that also differs by its cross, for eyes that see no red. */
export const failureMark = ({ say }: Language): TemplateResult =>
  html`<svg class="failure-mark" viewBox="0 0 12 12" role="img" aria-label=${say("failure")}><circle cx="6" cy="6" r="6" /><path d="m3.8 3.8 4.4 4.4M8.2 3.8 3.8 8.2" /></svg>`;

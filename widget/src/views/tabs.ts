// One tab for each call on screen, when there are several: the tablist of the ARIA authoring practices.
import { html, nothing, type TemplateResult } from "lit";
import type { CallOnScreen, Calls } from "../calls.ts";
import { isEnded } from "../calls.ts";
import { icon } from "../icons.ts";
import { stateLabel, stateOf } from "./glance.ts";
import { phoneNumber } from "./interaction.ts";
import type { Scene } from "./scene.ts";

export interface TabActions {
  onChoose: (callId: string) => void;
  onDismiss: (callId: string) => void;
}

export function tabs(
  scene: Scene,
  calls: Calls,
  front: CallOnScreen,
  actions: TabActions,
): TemplateResult | typeof nothing {
  if (calls.length < 2) return nothing;
  const { say } = scene.language;
  return html`<div class="tab-bar" part="tabs">
    <div class="tabs" role="tablist" aria-label=${say("calls")}
      @keydown=${(event: KeyboardEvent) => moveTab(scene, event, calls, front, actions)}>
      ${calls.map((entry) => tab(scene, entry, entry === front, actions))}
    </div>
    ${
      isEnded(front)
        ? html`<button type="button" class="plain" @click=${() => actions.onDismiss(front.call.callId)}>
      ${icon("close")}<span>${say("closeCall")}</span></button>`
        : nothing
    }
  </div>`;
}

function tab(scene: Scene, entry: CallOnScreen, isFront: boolean, { onChoose }: TabActions): TemplateResult {
  const { callId, number } = entry.call;
  return html`<button type="button" class="tab" role="tab" id="tab-${callId}" data-call=${callId}
    data-state=${stateOf(entry)} aria-selected=${isFront} aria-controls="call-panel" tabindex=${isFront ? 0 : -1}
    @click=${() => onChoose(callId)}>
    <span class="tab-number">${number ? phoneNumber(number) : scene.language.say("noNumber")}</span>
    <span class="tab-state">${stateLabel(scene.language, entry)}</span>
  </button>`;
}

function moveTab(
  scene: Scene,
  event: KeyboardEvent,
  calls: Calls,
  front: CallOnScreen,
  { onChoose }: TabActions,
): void {
  const toTheRight = scene.language.direction === "rtl" ? -1 : 1;
  const step = { ArrowRight: toTheRight, ArrowLeft: -toTheRight }[event.key];
  if (!step) return;
  event.preventDefault();
  const index = (calls.indexOf(front) + step + calls.length) % calls.length;
  const next = calls[index];
  if (!next) return;
  onChoose(next.call.callId);
  const bar = event.currentTarget as HTMLElement;
  bar.querySelectorAll<HTMLElement>("[role=tab]")[index]?.focus();
}

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
  onKeep: (callId: string, isKept: boolean) => void;
  /** How many interactions came that the agent has not seen. */
  unseen: (entry: CallOnScreen) => number;
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
    ${isEnded(front) ? endedActions(scene, front, actions) : nothing}
  </div>`;
}

function endedActions({ language }: Scene, front: CallOnScreen, actions: TabActions): TemplateResult {
  const { callId } = front.call;
  return html`<button type="button" class="plain" aria-pressed=${front.isKept}
      @click=${() => actions.onKeep(callId, !front.isKept)}>${icon("pin")}<span>${language.say("keepCall")}</span></button>
    <button type="button" class="plain" @click=${() => actions.onDismiss(callId)}>
      ${icon("close")}<span>${language.say("closeCall")}</span></button>`;
}

function tab(scene: Scene, entry: CallOnScreen, isFront: boolean, actions: TabActions): TemplateResult {
  const { callId, number } = entry.call;
  const unseen = actions.unseen(entry);
  return html`<button type="button" class="tab" role="tab" id="tab-${callId}" data-call=${callId}
    data-state=${stateOf(entry)} aria-selected=${isFront} aria-controls="call-panel" tabindex=${isFront ? 0 : -1}
    @click=${() => actions.onChoose(callId)}>
    <span class="tab-number">${number ? phoneNumber(number) : scene.language.say("noNumber")}</span>
    <span class="tab-state">${entry.isKept ? icon("pin") : nothing}${stateLabel(scene.language, entry)}
      ${unseen > 0 ? html`<span class="mark">${scene.language.say("newOnes", { count: unseen })}</span>` : nothing}</span>
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

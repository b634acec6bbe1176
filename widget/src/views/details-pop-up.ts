// The pop-up around the details: which interaction is open, and the dialog that opens and closes with it.
import {
  html,
  nothing,
  type ReactiveController,
  type ReactiveControllerHost,
  type TemplateResult,
} from "lit";
import type { Interaction } from "../frames.ts";
import { details } from "./details.ts";
import type { Scene } from "./scene.ts";

interface PopUpEvents {
  /** The interactions shown on the same date as one of them. */
  dayOf: (interactionId: string) => Interaction[] | undefined;
  onShow: (callId: string, interaction: Interaction) => void;
  onClose: () => void;
}

export class DetailsPopUp implements ReactiveController {
  readonly #host: ReactiveControllerHost & { renderRoot: ParentNode };
  readonly #events: PopUpEvents;
  #opened: { callId: string; interactionId: string } | null = null;
  #hasDetails = false;
  #dialog: HTMLDialogElement | null = null;

  constructor(host: ReactiveControllerHost & { renderRoot: ParentNode }, events: PopUpEvents) {
    this.#host = host;
    this.#events = events;
    host.addController(this);
  }

  /** The call whose details are read. */
  get callId(): string | null {
    return this.#opened?.callId ?? null;
  }

  open(callId: string, interaction: Interaction, opener: HTMLElement): void {
    // The dialog gives the focus back to whatever had it; not every browser focuses a button that is clicked.
    opener.focus({ preventScroll: true });
    this.#show(callId, interaction);
  }

  readonly close = (): void => {
    this.#opened = null;
    this.#host.requestUpdate();
    this.#events.onClose();
  };

  hostUpdated(): void {
    // Looked for once: it stands behind thousands of elements of a long journey.
    this.#dialog ??= this.#host.renderRoot.querySelector("dialog");
    if (this.#hasDetails && this.#dialog && !this.#dialog.open) this.#dialog.showModal();
    if (!this.#hasDetails && this.#dialog?.open) this.#dialog.close();
  }

  render(scene: Scene): TemplateResult {
    // A click beside the box hits the dialog itself.
    const onClick = (event: Event) => event.target === event.currentTarget && this.close();
    return html`<dialog class="details" part="details" aria-labelledby="details-title" @close=${this.close} @click=${onClick}>
      <div class="details-box">${this.#box(scene)}</div>
    </dialog>`;
  }

  #box(scene: Scene): TemplateResult | typeof nothing {
    this.#hasDetails = false;
    if (!this.#opened) return nothing;
    const { callId, interactionId } = this.#opened;
    const day = this.#events.dayOf(interactionId);
    const interaction = day?.find((one) => one.interactionId === interactionId);
    // It may have been removed, or filtered away, while it was open.
    if (!day || !interaction) return nothing;
    this.#hasDetails = true;
    return details(scene, interaction, day, { show: (next) => this.#show(callId, next), close: this.close });
  }

  #show(callId: string, interaction: Interaction): void {
    this.#opened = { callId, interactionId: interaction.interactionId };
    this.#host.requestUpdate();
    this.#events.onShow(callId, interaction);
  }
}

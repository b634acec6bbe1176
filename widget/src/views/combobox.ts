// A drop-down list that narrows as one types: the editable combobox of the ARIA authoring practices.
// It keeps what a list box must remember between renders; what is chosen belongs to the caller.
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { icon } from "../icons.ts";
import type { Language } from "../language.ts";
import { plain } from "../plain.ts";

export interface Choice {
  value: string;
  label: string;
  /** Told apart by it where labels are alike, and found by it: a campaign's id. */
  detail?: string;
  /** As it is written. */
  count?: string | undefined;
}

interface Rendering {
  language: Language;
  label: string;
  choices: Choice[];
  value: string;
  /** How many there are that are not among the choices. */
  more?: number | undefined;
  onChoose: (value: string) => void;
}

/** A line that is no choice. */
function remark(text: string): TemplateResult {
  return html`<li role="option" aria-disabled="true" aria-selected="false" class="no-match">${text}</li>`;
}

export function narrow(choices: Choice[], query: string): Choice[] {
  const wanted = plain(query);
  return choices.filter(({ label, detail }) => plain(`${label} ${detail ?? ""}`).includes(wanted));
}

export class Combobox {
  readonly #host: ReactiveControllerHost;
  readonly #id: string;
  #isOpen = false;
  /** What was typed since the list opened; null shows the chosen label and every choice. */
  #query: string | null = null;
  #active = 0;
  #rendering: Rendering | undefined;

  constructor(host: ReactiveControllerHost, id: string) {
    this.#host = host;
    this.#id = id;
  }

  render(rendering: Rendering): TemplateResult {
    this.#rendering = rendering;
    const { label, choices, value } = rendering;
    // One chosen for another customer may be among those that are not listed.
    const chosen = choices.find((choice) => choice.value === value);
    const activeId = this.#isOpen && this.#visible().length > 0 ? `${this.#id}-${this.#active}` : nothing;
    // Pressing the mouse in the list must not take the focus from the field: that would close it before the click.
    return html`<div class="combobox" part="filter" data-open=${this.#isOpen}>
      <label for=${this.#id}>${label}</label>
      <div class="combobox-field">
        <input id=${this.#id} type="text" role="combobox" autocomplete="off" spellcheck="false"
          aria-autocomplete="list" aria-expanded=${this.#isOpen} aria-controls="${this.#id}-list"
          aria-activedescendant=${activeId} .value=${live(this.#query ?? chosen?.label ?? value)}
          @click=${this.#open} @input=${this.#typed} @keydown=${this.#pressed} @blur=${this.#close}
          @focus=${(event: FocusEvent) => (event.target as HTMLInputElement).select()} />
        ${icon("down")}
      </div>
      <ul id="${this.#id}-list" role="listbox" aria-label=${label} ?hidden=${!this.#isOpen}
        @mousedown=${(event: Event) => event.preventDefault()}>
        ${this.#isOpen ? this.#options(rendering) : nothing}
      </ul>
    </div>`;
  }

  #visible(): Choice[] {
    const choices = this.#rendering?.choices ?? [];
    return this.#query === null ? choices : narrow(choices, this.#query);
  }

  #options({ language: { say }, more = 0 }: Rendering): TemplateResult[] {
    const options = this.#visible().map((choice, index) => this.#option(choice, index));
    if (options.length === 0) options.push(remark(say("nothingMatches")));
    if (more > 0) options.push(remark(say("andMore", { count: more })));
    return options;
  }

  #option({ value, label, detail, count }: Choice, index: number): TemplateResult {
    return html`<li id="${this.#id}-${index}" role="option" aria-selected=${value === this.#rendering?.value}
      class=${index === this.#active ? "active" : ""} @click=${() => this.#choose(value)}>
      <span class="option-label">${label}${detail ? html` <span class="quiet">${detail}</span>` : nothing}</span>
      ${count === undefined ? nothing : html`<span class="option-count">${count}</span>`}
    </li>`;
  }

  readonly #open = (): void => {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#query = null;
    this.#activate(this.#visible().findIndex(({ value }) => value === this.#rendering?.value));
  };

  readonly #close = (): void => {
    this.#isOpen = false;
    this.#query = null;
    this.#host.requestUpdate();
  };

  readonly #typed = (event: Event): void => {
    this.#isOpen = true;
    this.#query = (event.target as HTMLInputElement).value;
    this.#activate(0);
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    const handled = this.#isOpen ? this.#pressedOpen(event.key) : this.#pressedClosed(event.key);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  };

  #pressedClosed(key: string): boolean {
    if (key !== "ArrowDown" && key !== "ArrowUp" && key !== "Enter") return false;
    this.#open();
    return true;
  }

  #pressedOpen(key: string): boolean {
    const last = this.#visible().length - 1;
    switch (key) {
      case "ArrowDown":
        this.#activate(this.#active >= last ? 0 : this.#active + 1);
        return true;
      case "ArrowUp":
        this.#activate(this.#active <= 0 ? last : this.#active - 1);
        return true;
      case "Enter": {
        const choice = this.#visible()[this.#active];
        if (choice) this.#choose(choice.value);
        return true;
      }
      case "Escape":
        this.#close();
        return true;
      default:
        return false;
    }
  }

  #activate(index: number): void {
    this.#active = Math.max(0, index);
    this.#host.requestUpdate();
    void this.#host.updateComplete.then(() => {
      const root = (this.#host as unknown as { renderRoot?: ParentNode }).renderRoot;
      root?.querySelector(`#${this.#id}-${this.#active}`)?.scrollIntoView({ block: "nearest" });
    });
  }

  #choose(value: string): void {
    this.#close();
    this.#rendering?.onChoose(value);
  }
}

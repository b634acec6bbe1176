// The header with the call, the brief and the chips.
import { css } from "lit";

export const glance = css`
  .glance {
    --_state: var(--_grey);
    display: flex;
    align-items: center;
    gap: 12px 40px;
    padding: 12px var(--_gutter);
    padding-inline-start: calc(var(--_gutter) - 4px);
    background: var(--_raised);
    border-inline-start: 4px solid var(--_state);
  }

  .glance[data-state="offered"] {
    --_state: var(--_blue);
  }
  .glance[data-state="connected"] {
    --_state: var(--_green);
  }
  .glance[data-state="wrap_up"] {
    --_state: var(--_amber);
  }

  .glance-call {
    display: flex;
    flex: none;
    align-items: center;
    gap: 12px;
  }

  .direction {
    display: grid;
    flex: none;
    place-items: center;
    inline-size: 40px;
    block-size: 40px;
    border-radius: 50%;
    font-size: 22px;
    color: var(--_state);
    background: color-mix(in srgb, var(--_state) 14%, transparent);
  }

  .number {
    font-size: 20px;
    line-height: 1.25;
    font-weight: 650;
    letter-spacing: -0.005em;
  }

  .reveal {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 8px;
  }

  .who {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
  }

  .state {
    padding: 1px 8px;
    border-radius: 99px;
    font-size: 12px;
    font-weight: 600;
    /* On its own tint a colour has less contrast than on the surface; a host's colours have no reserve. */
    color: color-mix(in srgb, var(--_state) 82%, var(--_text));
    background: color-mix(in srgb, var(--_state) 12%, transparent);
  }

  .state::before {
    content: "";
    display: inline-block;
    inline-size: 7px;
    block-size: 7px;
    margin-inline-end: 6px;
    border-radius: 50%;
    background: currentColor;
  }

  .glance[data-state="offered"] .state::before {
    animation: ring 1.1s ease-in-out infinite;
  }

  .glance[data-state="ended"] .state::before {
    background: none;
    box-shadow: inset 0 0 0 1.5px currentColor;
  }

  @keyframes ring {
    50% {
      opacity: 0.25;
    }
  }

  .contact-name {
    font-weight: 600;
  }

  .facts,
  .brief {
    display: flex;
    flex-wrap: wrap;
    min-inline-size: 0;
  }

  .facts {
    flex: 1;
    gap: 8px 32px;
    justify-content: end;
  }

  dt {
    font-size: 11.5px;
    color: var(--_quiet);
  }

  .facts dd {
    display: flex;
    align-items: center;
    min-block-size: 24px;
    font-size: 14px;
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  .facts .id {
    margin-inline-start: 6px;
    font-size: 12px;
  }

  .brief {
    gap: 6px 0;
    padding: 8px 0;
    border-block-start: 1px solid var(--_border);
    background: var(--_raised);
  }

  .brief .fact {
    padding-inline: var(--_gutter);
    border-inline-end: 1px solid var(--_border);
  }

  .brief .fact:last-child {
    border-inline-end: 0;
  }

  .brief dd {
    font-variant-numeric: tabular-nums;
  }

  .chip-rows {
    display: grid;
    gap: 6px;
    padding: 8px var(--_gutter);
    border-block-start: 1px solid var(--_border);
    background: var(--_raised);
  }

  .chip-row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 10px;
  }

  .chip-title {
    font-size: 12px;
    color: var(--_quiet);
  }

  .candidates .chip-title {
    font-weight: 600;
    color: var(--_text);
  }

  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
  }

  /* Many people leave room for what happened: four rows, and so much of the next that one sees there is more. */
  .candidates .chips {
    max-block-size: 132px;
    overflow: auto;
  }

  .chip {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-block-size: 26px;
    padding: 0 10px;
    border: 1px solid var(--_border);
    border-radius: 99px;
    background: var(--_surface);
  }

  button.chip {
    border-color: var(--_control-border);
    cursor: pointer;
  }

  button.chip:hover {
    border-color: var(--_accent);
  }

  button.chip:focus-visible {
    outline-offset: -2px;
  }

  .chip[aria-pressed="true"] {
    border-color: var(--_accent);
    background: var(--_accent);
    color: var(--_on-accent);
  }

  .chip[aria-pressed="true"] .quiet {
    color: inherit;
  }

  .chip-pair,
  .hidden-person {
    display: inline-flex;
    align-items: center;
    gap: 2px;
  }

  .chip-pair .icon-button {
    inline-size: 24px;
    block-size: 24px;
    font-size: 14px;
    color: var(--_quiet);
  }

  .hidden-person {
    padding-inline: 8px;
    color: var(--_quiet);
  }

  .chip-count {
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }

  /* Over, but legible: its text only loses its weight, its icons most of their colour. */
  .is-ended .glance .number {
    font-weight: 400;
    color: var(--_quiet);
  }

  .is-ended .mode {
    filter: grayscale(0.7);
  }

  @container journey (width < 900px) {
    .glance {
      flex-direction: column;
      align-items: stretch;
    }

    .facts {
      justify-content: start;
    }
  }

  @container journey (width < 640px) {
    .facts,
    .brief {
      display: grid;
      grid-template-columns: 1.5fr 1fr 1.1fr;
      gap: 4px 12px;
    }

    .glance {
      padding-block: 10px 8px;
    }

    .facts .id {
      display: inline-block;
      margin: 0;
    }

    .facts dd,
    .facts .with-icon {
      flex-wrap: wrap;
      gap: 0 5px;
      font-size: 13px;
      line-height: 1.3;
    }

    /* As wide as their words ask for, so that each part keeps to one line. */
    .brief {
      grid-template-columns: repeat(3, auto);
      padding: 8px var(--_gutter);
    }

    .brief .fact {
      padding-inline: 0;
      border: 0;
    }

    .fact-last {
      grid-column: 1 / 3;
    }

    .fact-score {
      grid-area: 1 / 3;
    }

    .brief .fact-last:last-child,
    .fact-last:not(:has(~ .fact-score)) {
      grid-column: 1 / -1;
    }

    .chip-rows {
      padding-block: 6px;
    }

    .other-campaigns .quiet {
      display: none;
    }
  }

  @container journey (width < 380px) {
    .facts {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }

    .brief {
      grid-template-columns: repeat(2, auto);
    }

    .fact-campaign,
    .fact-last {
      grid-column: 1 / -1;
    }

    .fact-score {
      grid-area: auto;
    }
  }

  @media (forced-colors: active) {
    .chip[aria-pressed="true"] {
      border: 2px solid Highlight;
    }
  }
`;

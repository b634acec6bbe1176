// The palette, which hosts may set through --journey-… properties, the frame of the element, and the small pieces.
import { css } from "lit";

export const base = css`
  :host {
    --_text: var(--journey-text, light-dark(#1b2430, #e6eaf0));
    --_quiet: var(--journey-text-quiet, light-dark(#566172, #a2adbd));
    --_surface: var(--journey-surface, light-dark(#f5f7fa, #12161c));
    --_raised: var(--journey-surface-raised, light-dark(#ffffff, #1b2129));
    --_border: var(--journey-border, light-dark(#dce1e8, #303946));
    --_control-border: light-dark(#8893a3, #68758a);
    --_accent: var(--journey-accent, light-dark(#1d56b0, #86b6ff));
    --_on-accent: var(--journey-on-accent, light-dark(#ffffff, #0c1626));
    --_failure: var(--journey-failure, light-dark(#c62828, #ff8a80));
    --_success: var(--journey-success, light-dark(#1b7a3d, #6fd08f));
    --_green: var(--journey-green, light-dark(#1b7a3d, #6fd08f));
    --_blue: var(--journey-blue, light-dark(#1763c6, #7db4ff));
    --_amber: var(--journey-amber, light-dark(#a85c00, #ffbe5c));
    --_violet: var(--journey-violet, light-dark(#8a35ad, #d79bff));
    --_teal: var(--journey-teal, light-dark(#0b7285, #5fd0e0));
    --_indigo: var(--journey-indigo, light-dark(#3f4fb8, #a3b1ff));
    --_grey: var(--journey-grey, light-dark(#566172, #a2adbd));
    --_radius: var(--journey-radius, 8px);
    --_gutter: 16px;
    display: block;
    block-size: 100%;
    min-block-size: 320px;
    color-scheme: light dark;
    container: journey / inline-size;
    font: 400 13px / 1.4 var(--journey-font, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
    color: var(--_text);
  }

  :host([theme="light"]) {
    color-scheme: light;
  }

  :host([theme="dark"]) {
    color-scheme: dark;
  }

  :host([hidden]),
  [hidden] {
    display: none !important;
  }

  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }

  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }

  /* As list items, each one that comes in would have all the others counted anew. */
  li {
    display: block;
  }

  button,
  input {
    font: inherit;
    color: inherit;
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  .journey {
    display: flex;
    flex-direction: column;
    block-size: 100%;
    min-block-size: inherit;
    background: var(--_surface);
    overflow: hidden;
  }

  .call,
  .content {
    display: flex;
    flex: 1;
    flex-direction: column;
    min-block-size: 0;
  }

  /* In a low panel the whole call scrolls, so that what is above never squeezes the timeline away. */
  .call {
    overflow-y: auto;
    scrollbar-width: thin;
  }

  .call > * {
    flex: none;
  }

  .call > .content {
    position: relative;
    flex: 1 1 200px;
    min-block-size: 200px;
    border-block-start: 1px solid var(--_border);
  }

  .quiet,
  .absent {
    color: var(--_quiet);
    font-weight: 400;
  }

  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .icon {
    inline-size: 1em;
    block-size: 1em;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.8;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  /* Arrows point along the line of writing. */
  [dir="rtl"] :is(.direction, .arrow, .previous, .next) .icon {
    scale: -1 1;
  }

  .phone {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .digits + .digits {
    margin-inline-start: 0.28em;
  }

  .with-icon {
    display: inline-flex;
    align-items: center;
    gap: 6px;
  }

  .mode {
    --_color: var(--_grey);
    position: relative;
    display: inline-grid;
    place-items: center;
    flex: none;
    inline-size: 30px;
    block-size: 30px;
    border-radius: 8px;
    font-size: 18px;
    color: var(--_color);
    background: color-mix(in srgb, var(--_color) 13%, transparent);
  }

  .mode[data-color="green"] {
    --_color: var(--_green);
  }
  .mode[data-color="blue"] {
    --_color: var(--_blue);
  }
  .mode[data-color="amber"] {
    --_color: var(--_amber);
  }
  .mode[data-color="violet"] {
    --_color: var(--_violet);
  }
  .mode[data-color="teal"] {
    --_color: var(--_teal);
  }
  .mode[data-color="indigo"] {
    --_color: var(--_indigo);
  }

  .with-icon .mode {
    inline-size: 22px;
    block-size: 22px;
    border-radius: 6px;
    font-size: 14px;
  }

  .failure-mark {
    inline-size: 12px;
    block-size: 12px;
    flex: none;
    fill: light-dark(#d32f2f, #ff6b60);
    stroke: light-dark(#ffffff, #2a0a08);
    stroke-width: 1.5;
    stroke-linecap: round;
  }

  .failure-mark circle {
    stroke: none;
  }

  .mode .failure-mark {
    position: absolute;
    inset-block-start: -4px;
    inset-inline-end: -4px;
    border-radius: 50%;
    box-shadow: 0 0 0 2px var(--_raised);
  }

  .arrow {
    position: absolute;
    inset-block-end: -4px;
    inset-inline-end: -4px;
    display: grid;
    place-items: center;
    inline-size: 14px;
    block-size: 14px;
    border-radius: 50%;
    font-size: 12px;
    background: var(--_raised);
    color: var(--_color);
  }

  .arrow .icon {
    stroke-width: 3;
  }

  .outcome {
    font-weight: 600;
  }

  .outcome[data-class="failure"],
  .class-word {
    color: var(--_failure);
  }

  .outcome[data-class="success"] {
    color: var(--_success);
  }

  .outcome[data-class="success"]::before {
    content: "✓ " / "";
  }

  .change {
    font-variant-numeric: tabular-nums;
    color: var(--_quiet);
  }

  .blank {
    margin: auto;
    max-inline-size: 44ch;
    padding: 24px;
    text-align: center;
    color: var(--_quiet);
  }

  .blank > .icon {
    font-size: 36px;
    opacity: 0.55;
  }

  .blank h2 {
    font-size: 15px;
    color: var(--_text);
  }

  /* It may carry the name of a campaign, which is longer than a narrow panel. */
  .blank .action {
    block-size: auto;
    min-block-size: 30px;
    max-inline-size: 100%;
    margin-block-start: 12px;
    white-space: normal;
  }

  .status {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 16px;
    padding: 5px var(--_gutter);
    border-block-start: 1px solid var(--_border);
    font-size: 12px;
    color: var(--_quiet);
    background: var(--_raised);
  }

  .sources {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 16px;
    margin-inline-start: auto;
  }

  .connection {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    font-variant-numeric: tabular-nums;
  }

  .lamp {
    inline-size: 8px;
    block-size: 8px;
    border-radius: 50%;
    border: 1.5px solid var(--_quiet);
  }

  .connection[data-state="live"] .lamp {
    border-color: var(--_success);
    background: var(--_success);
  }

  .connection:is([data-state="waiting"], [data-state="connecting"]) .lamp {
    border-color: var(--_amber);
  }

  .connection[data-state="refused"] .lamp {
    border-color: var(--_failure);
    background: var(--_failure);
    border-radius: 1px;
  }

  @container journey (width < 640px) {
    .status {
      justify-content: space-between;
      padding-block: 4px;
      font-size: 11.5px;
    }

    .sources {
      order: 1;
      inline-size: 100%;
      margin: 0;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;

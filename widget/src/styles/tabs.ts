// One tab for each call, and what can be done with one that has ended.
import { css } from "lit";

export const tabs = css`
  .tab-bar {
    display: flex;
    align-items: end;
    gap: 8px;
    padding: 6px 10px 0;
    border-block-end: 1px solid var(--_border);
  }

  .tabs {
    display: flex;
    flex: 1;
    gap: 4px;
    /* Over the line below, so that the chosen tab and its panel are one. */
    margin-block-end: -1px;
    overflow-x: auto;
    scrollbar-width: thin;
  }

  .tab {
    display: grid;
    flex: none;
    padding: 5px 14px 6px;
    border: 1px solid transparent;
    border-block-end: 0;
    border-radius: 8px 8px 0 0;
    background: none;
    text-align: start;
    cursor: pointer;
  }

  .tab:focus-visible {
    outline-offset: -3px;
  }

  .tab:hover {
    background: color-mix(in srgb, var(--_accent) 8%, transparent);
  }

  .tab[aria-selected="true"] {
    border-color: var(--_border);
    background: var(--_raised);
    box-shadow: inset 0 2px 0 var(--_accent);
  }

  .tab-number {
    font-weight: 600;
  }

  .tab-state {
    font-size: 12px;
    color: var(--_quiet);
  }

  .plain {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    min-block-size: 28px;
    margin-block-end: 6px;
    padding: 0 8px;
    border: 0;
    border-radius: 6px;
    background: none;
    color: var(--_quiet);
    cursor: pointer;
  }

  .plain:hover {
    background: color-mix(in srgb, var(--_text) 8%, transparent);
  }

  .plain[aria-pressed="true"] {
    color: var(--_accent);
    font-weight: 600;
  }

  .tab[data-state="ended"] .tab-number {
    font-weight: 400;
    color: var(--_quiet);
  }

  @media (forced-colors: active) {
    .tab[aria-selected="true"] {
      border: 2px solid Highlight;
    }
  }
`;

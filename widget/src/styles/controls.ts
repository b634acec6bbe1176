// The filters, their drop-down lists, buttons, notices and the switch of views.
import { css } from "lit";

export const controls = css`
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: 8px;
    padding: 8px var(--_gutter) 10px;
    border-block-start: 1px solid var(--_border);
    background: var(--_raised);
  }

  /* Its fields stand in the line of the toolbar, its second row below everything. */
  .filters {
    display: contents;
  }

  /* Narrower before the toolbar takes a second line from the timeline, and as wide as it may be before anything else. */
  :is(.combobox, .text-filter) {
    position: relative;
    flex: 99 1 130px;
    min-inline-size: 0;
    max-inline-size: 190px;
  }

  :is(.combobox, .text-filter) label {
    display: block;
    font-size: 11.5px;
    color: var(--_quiet);
  }

  .combobox-field {
    position: relative;
    display: flex;
    align-items: center;
  }

  .combobox-field .icon {
    position: absolute;
    inset-inline-end: 7px;
    font-size: 16px;
    pointer-events: none;
    color: var(--_quiet);
  }

  :is(.combobox, .text-filter) input {
    inline-size: 100%;
    block-size: 30px;
    padding-inline: 9px 26px;
    border: 1px solid var(--_control-border);
    border-radius: 6px;
    background: var(--_raised);
    text-overflow: ellipsis;
  }

  .combobox input {
    cursor: pointer;
  }

  .combobox[data-open="true"] input {
    cursor: text;
  }

  [role="listbox"] {
    position: absolute;
    z-index: 3;
    inset-block-start: calc(100% + 3px);
    inset-inline-start: 0;
    min-inline-size: 100%;
    inline-size: max-content;
    max-inline-size: min(360px, 86cqi);
    max-block-size: 264px;
    overflow-y: auto;
    padding: 4px;
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    background: var(--_raised);
    box-shadow: 0 8px 24px light-dark(rgb(20 30 50 / 18%), rgb(0 0 0 / 55%));
  }

  [role="option"] {
    display: flex;
    justify-content: space-between;
    gap: 16px;
    padding: 5px 8px;
    border-radius: 5px;
    cursor: pointer;
  }

  [role="option"].active,
  [role="option"]:hover {
    background: color-mix(in srgb, var(--_accent) 12%, transparent);
  }

  [role="option"][aria-selected="true"] .option-label {
    font-weight: 600;
  }

  [role="option"].no-match {
    color: var(--_quiet);
    cursor: default;
    background: none;
  }

  .option-count {
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
  }

  .search,
  .action {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    block-size: 30px;
    padding: 0 12px;
    border: 1px solid var(--_accent);
    border-radius: 6px;
    font-weight: 600;
    white-space: nowrap;
    cursor: pointer;
  }

  .search {
    background: var(--_accent);
    color: var(--_on-accent);
  }

  .action {
    background: var(--_raised);
    color: var(--_accent);
  }

  .search:hover:enabled,
  .action:hover:enabled {
    filter: brightness(1.08);
  }

  :is(.search, .action):disabled {
    opacity: 0.6;
    cursor: default;
  }

  .more {
    justify-content: center;
    font-weight: 400;
  }

  .action[aria-pressed="true"] {
    background: var(--_accent);
    color: var(--_on-accent);
  }

  .more-filters {
    display: flex;
    flex: 1 0 100%;
    order: 1;
    flex-wrap: wrap;
    align-items: end;
    gap: 8px;
  }

  .text-filter {
    flex-basis: 230px;
  }

  .ways-out .action {
    margin: 0;
  }

  .ways-out {
    margin-block-start: 12px;
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 8px;
  }

  /* Over the newest end of the list, so that nothing moves when it comes. */
  .news {
    position: absolute;
    z-index: 2;
    inset-block-start: 10px;
    inset-inline-end: 20px;
  }

  .news .search {
    border-radius: 99px;
    box-shadow: 0 3px 10px rgb(0 0 0 / 25%);
  }

  .mark {
    padding: 0 6px;
    border-radius: 99px;
    font-size: 11px;
    font-weight: 600;
    color: var(--_accent);
    background: color-mix(in srgb, var(--_accent) 12%, transparent);
    animation: mark 1.6s ease-out;
  }

  @keyframes mark {
    from {
      background: color-mix(in srgb, var(--_accent) 55%, transparent);
    }
  }

  .result-count {
    flex: 1;
    padding-inline-start: 8px;
    padding-block-end: 5px;
    color: var(--_quiet);
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .view-switch {
    display: flex;
    margin-inline-start: auto;
    padding: 2px;
    border-radius: 8px;
    background: color-mix(in srgb, var(--_text) 8%, transparent);
  }

  .view-switch button {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    block-size: 26px;
    padding: 0 10px;
    border: 0;
    border-radius: 6px;
    background: none;
    cursor: pointer;
  }

  .view-switch [aria-pressed="true"] {
    background: var(--_raised);
    font-weight: 600;
    box-shadow: 0 1px 2px rgb(0 0 0 / 18%);
  }

  .view-switch .icon {
    font-size: 16px;
  }

  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 12px;
    padding: 6px var(--_gutter);
    border-block-start: 1px solid var(--_border);
    background: color-mix(in srgb, var(--_accent) 8%, var(--_raised));
  }

  .notice.problem {
    background: color-mix(in srgb, var(--_failure) 10%, var(--_raised));
  }

  .link {
    min-block-size: 24px;
    padding: 0 4px;
    border: 0;
    background: none;
    color: var(--_accent);
    text-decoration: underline;
    cursor: pointer;
  }

  .icon-button {
    display: grid;
    place-items: center;
    inline-size: 32px;
    block-size: 32px;
    padding: 0;
    border: 0;
    border-radius: 6px;
    background: none;
    font-size: 20px;
    cursor: pointer;
  }

  .icon-button:hover {
    background: color-mix(in srgb, var(--_text) 9%, transparent);
  }

  .icon-button[aria-disabled="true"] {
    opacity: 0.35;
    background: none;
    cursor: default;
  }

  @container journey (width < 640px) {
    .toolbar {
      gap: 4px 12px;
    }

    .filters {
      display: grid;
      align-items: end;
      grid-template-columns: repeat(3, minmax(0, 1fr)) auto;
      gap: 6px;
      inline-size: 100%;
    }

    .combobox input {
      padding-inline: 7px 18px;
      font-size: 12px;
    }

    .combobox-field .icon {
      inset-inline-end: 3px;
    }

    .filters .search {
      justify-content: center;
      inline-size: 34px;
      padding: 0;
    }

    .filters .more,
    .more-filters {
      grid-column: 1 / -1;
    }

    .more-filters {
      display: grid;
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }

    .filters .search span {
      display: none;
    }

    .combobox:nth-of-type(2) [role="listbox"] {
      inset-inline: -40% auto;
    }

    .combobox:nth-of-type(3) [role="listbox"] {
      inset-inline: auto 0;
    }

    .result-count {
      padding: 0;
      font-size: 12px;
    }
  }

  @container journey (width < 380px) {
    .filters {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }

    .filters .search {
      inline-size: auto;
    }

    .filters .search span {
      display: inline;
    }
  }

  @media (forced-colors: active) {
    .view-switch [aria-pressed="true"] {
      border: 2px solid Highlight;
    }

    [role="option"].active {
      outline: 2px solid Highlight;
      outline-offset: -2px;
    }
  }
`;

// The grid: a plain table with a heading that stays.
import { css } from "lit";

export const grid = css`
  .grid-scroll {
    flex: 1;
    min-block-size: 0;
    overflow: auto;
    overflow-anchor: none;
    scrollbar-width: thin;
    background: var(--_raised);
  }

  .grid-scroll:focus-visible {
    outline-offset: -2px;
  }

  .grid {
    inline-size: 100%;
    border-collapse: separate;
    border-spacing: 0;
  }

  .grid :is(th, td) {
    padding: 4px 10px;
    border-block-end: 1px solid var(--_border);
    text-align: start;
    white-space: nowrap;
  }

  .grid :is(th, td):first-child {
    padding-inline-start: 16px;
  }

  .grid th {
    position: sticky;
    z-index: 1;
    inset-block-start: 0;
    padding-block: 2px;
    background: var(--_surface);
    font-weight: 600;
  }

  .grid th button {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    min-block-size: 28px;
    padding: 0;
    border: 0;
    background: none;
    font-size: 12px;
    font-weight: 600;
    cursor: pointer;
  }

  .grid .numeric {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }

  .sort {
    inline-size: 0;
    block-size: 0;
    border: 4px solid transparent;
  }

  .sort[data-order="ascending"] {
    border-block-end-color: currentColor;
    translate: 0 -2px;
  }

  .sort[data-order="descending"] {
    border-block-start-color: currentColor;
    translate: 0 2px;
  }

  .grid tbody tr {
    block-size: 38px;
    cursor: pointer;
  }

  .grid tbody tr:hover {
    background: color-mix(in srgb, var(--_accent) 7%, transparent);
  }

  .cell-button {
    min-block-size: 26px;
    padding: 0;
    border: 0;
    background: none;
    font-variant-numeric: tabular-nums;
    cursor: pointer;
  }

  .grid .cell-comments {
    inline-size: 40%;
    max-inline-size: 260px;
    overflow: hidden;
    text-overflow: ellipsis;
    color: var(--_quiet);
  }

  .grid .with-icon {
    gap: 10px;
  }
`;

// The grid: a table with a heading that stays. Rows are lines of their own, all laid out alike, so that those out of
// sight cost nothing and columns keep their width while rows come.
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
    min-inline-size: 1040px;
  }

  .grid,
  .grid :is(thead, tbody) {
    display: block;
  }

  .grid thead {
    position: sticky;
    z-index: 1;
    inset-block-start: 0;
    background: var(--_surface);
  }

  .grid tr {
    display: flex;
    align-items: center;
    gap: 16px;
    padding-inline: var(--_gutter);
    border-block-end: 1px solid var(--_border);
  }

  .grid :is(th, td) {
    flex: 2 1 0;
    min-inline-size: 0;
    padding: 0;
    overflow: clip;
    text-align: start;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .grid .cell-startedAt {
    flex: 0 0 148px;
  }

  .grid .cell-mode {
    flex: 0 0 112px;
  }

  .grid .cell-channel {
    flex: 0 0 64px;
  }

  .grid .cell-direction {
    flex: 0 0 84px;
  }

  .grid .cell-score {
    flex: 0 0 56px;
  }

  .grid .cell-campaign {
    flex-grow: 3;
  }

  .grid .cell-comments {
    flex-grow: 4;
  }

  .grid td.cell-comments {
    color: var(--_quiet);
  }

  /* Marks stand out of their icons, and the ring of the focus out of its button. */
  .grid :is(th, .cell-startedAt, .cell-mode) {
    overflow: visible;
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

  /* The arrow stands before the title, so that title and figures end on one line. */
  .grid .numeric button {
    flex-direction: row-reverse;
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

  /* Twenty rows. */
  .grid tbody {
    content-visibility: auto;
    contain-intrinsic-block-size: auto 760px;
  }

  /* The room of the rows that are not drawn yet, so that no wheel is stopped. */
  .grid-scroll .undrawn {
    block-size: calc(var(--_rest) * 38px);
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

  .grid .with-icon {
    gap: 10px;
    vertical-align: middle;
  }
`;

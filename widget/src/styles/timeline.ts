// The timeline, lying (newest at the right) and standing (newest at the top).
import { css } from "lit";

export const timeline = css`
  .timeline {
    flex: 1;
    min-block-size: 0;
    overflow: auto;
    /* The place where an agent reads is held by the element itself, in both directions. */
    overflow-anchor: none;
    scrollbar-width: thin;
    /* Opaque, or the browser would draw it anew for each step of a wheel instead of moving what is drawn. */
    background: var(--_surface);
    /* Whole pixels, as a scroller stands on none between: what comes above is as high as it is scrolled by. */
    line-height: 18px;
  }

  .timeline:focus-visible {
    outline-offset: -2px;
  }

  .day h3 {
    font-size: 13px;
    font-weight: 650;
  }

  .day-head {
    display: flex;
    align-items: baseline;
    gap: 8px;
  }

  .day-head > * {
    white-space: nowrap;
  }

  .ago {
    min-inline-size: 0;
    overflow: clip;
    text-overflow: ellipsis;
    font-size: 12px;
    color: var(--_quiet);
  }

  .count {
    margin-inline-start: auto;
    min-inline-size: 20px;
    padding: 0 6px;
    border-radius: 99px;
    font-size: 12px;
    text-align: center;
    color: var(--_quiet);
    background: color-mix(in srgb, var(--_text) 8%, transparent);
  }

  .entries {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 2px;
    margin-block-start: 6px;
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    background: var(--_raised);
    overflow: clip;
  }

  .entries li + li .entry {
    border-block-start: 1px solid var(--_border);
  }

  .entry {
    display: flex;
    gap: 11px;
    inline-size: 100%;
    padding-block: 9px;
    padding-inline: 10px 12px;
    border: 0;
    background: none;
    text-align: start;
    cursor: pointer;
  }

  .entry:hover {
    background: color-mix(in srgb, var(--_accent) 7%, transparent);
  }

  .entry:focus-visible {
    outline-offset: -2px;
  }

  /* Cuts for all its lines: each box that cuts by itself is one more for the browser to put together with each frame. */
  .entry-text {
    flex: 1;
    min-inline-size: 0;
    overflow: clip;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  /* A text is not a box of its own: it ends its line by itself. */
  .line:not(:first-child, .comments)::after {
    content: "\\a";
    white-space: pre;
  }

  .line time {
    font-variant-numeric: tabular-nums;
  }

  .line:first-child {
    display: flex;
    gap: 5px;
    color: var(--_quiet);
  }

  .line .mode-name::before {
    content: "·";
    margin-inline-end: 5px;
  }

  .line .change {
    margin-inline-start: auto;
  }

  /* What people wrote runs as they wrote it. */
  .line.comments {
    unicode-bidi: plaintext;
  }

  .owner {
    font-weight: 600;
  }

  .line.quiet,
  .line.comments {
    font-size: 12px;
    line-height: 16px;
  }

  /* What was said is worth a second line. */
  .line.comments {
    display: -webkit-box;
    overflow: clip;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    white-space: normal;
  }

  .older {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 8px;
    padding: 16px;
    text-align: center;
    color: var(--_quiet);
  }

  /* Lying: the row is reversed, so its scroller begins at the newest end and stays there by itself. */
  .horizontal {
    display: flex;
    flex-direction: row-reverse;
    overflow: auto;
  }

  .horizontal .days {
    display: flex;
    flex: none;
    flex-direction: row-reverse;
    align-items: start;
    min-inline-size: 100%;
    padding: 14px var(--_gutter);
  }

  .horizontal .day {
    position: relative;
    flex: none;
    inline-size: 280px;
    padding: 16px 7px 4px;
  }

  /* The first ones are in view, and would only be laid out twice. */
  .horizontal .day:nth-child(n + 7) {
    content-visibility: auto;
    contain-intrinsic-size: 280px 160px;
  }

  /* What is not drawn yet has its room: a timeline that grew at its old end would carry along an agent whose wheel still
     turns. */
  .horizontal .undrawn {
    position: relative;
    flex: none;
    inline-size: calc(var(--_rest) * 280px);
  }

  .horizontal :is(.day, .undrawn)::before,
  .vertical .day::before {
    content: "";
    position: absolute;
    background: var(--_border);
  }

  .horizontal :is(.day, .undrawn)::before {
    inset-block-start: 4px;
    inset-inline: 0;
    block-size: 2px;
  }

  .day::after {
    content: "";
    position: absolute;
    inline-size: 10px;
    block-size: 10px;
    border: 2px solid var(--_raised);
    border-radius: 50%;
    background: var(--_control-border);
  }

  .horizontal .day::after {
    inset-block-start: 0;
    inset-inline-start: 8px;
  }

  .days .day:first-child::after {
    background: var(--_accent);
  }

  .horizontal .older {
    inline-size: 200px;
    padding-block-start: 40px;
  }

  .vertical .days {
    padding: 12px var(--_gutter) 16px;
  }

  .vertical .day {
    position: relative;
    padding-block-end: 14px;
    padding-inline-start: 20px;
  }

  .vertical .day::before {
    inset-block: 0;
    inset-inline-start: 4px;
    inline-size: 2px;
  }

  .vertical .day:first-child::before {
    inset-block-start: 8px;
  }

  .vertical .day::after {
    inset-block-start: 4px;
    inset-inline-start: 0;
  }

  @media (forced-colors: active) {
    :is(.day, .undrawn)::before,
    .day::after {
      background: CanvasText;
    }
  }
`;

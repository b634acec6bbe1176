// The pop-up with the details of one interaction.
import { css } from "lit";

export const details = css`
  .details {
    inline-size: min(520px, calc(100vw - 24px));
    max-block-size: min(640px, calc(100vh - 24px));
    padding: 0;
    border: 1px solid var(--_border);
    border-radius: 12px;
    color: inherit;
    background: var(--_raised);
    box-shadow: 0 18px 60px rgb(0 0 0 / 35%);
  }

  .details::backdrop {
    background: rgb(10 16 26 / 42%);
  }

  .details-head {
    position: sticky;
    inset-block-start: 0;
    display: flex;
    align-items: center;
    gap: 12px;
    padding-block: 12px;
    padding-inline: 18px 10px;
    border-block-end: 1px solid var(--_border);
    background: var(--_raised);
  }

  .details-title {
    flex: 1;
    min-inline-size: 0;
  }

  .details-title h2 {
    font-size: 16px;
    line-height: 1.3;
  }

  .details-title p {
    font-size: 12px;
  }

  .details-nav {
    display: flex;
    padding-inline-end: 4px;
    border-inline-end: 1px solid var(--_border);
  }

  .details-fields {
    padding: 8px 18px 16px;
  }

  .details-fields > div {
    display: grid;
    grid-template-columns: 142px minmax(0, 1fr);
    gap: 12px;
    padding-block: 6px;
  }

  .details-fields > div + div {
    border-block-start: 1px solid color-mix(in srgb, var(--_border) 60%, transparent);
  }

  .details-fields dt {
    font-size: 13px;
  }

  .details-fields dd {
    overflow-wrap: anywhere;
    white-space: pre-line;
    unicode-bidi: plaintext;
  }

  /* An e-mail address may be longer than its line. */
  .details-fields .phone {
    white-space: inherit;
  }

  .class-word {
    margin-inline-start: 4px;
    font-size: 12px;
  }

  @media (width < 480px) {
    .details-fields > div {
      grid-template-columns: 116px minmax(0, 1fr);
    }
  }
`;

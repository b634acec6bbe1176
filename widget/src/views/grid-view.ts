// The grid: the same interactions as rows of a table that sorts by any column. The roles are said because the style
// sheet lays the rows out by itself, which takes a table's own away in some browsers.
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Day, Interaction } from "../frames.ts";
import type { PlainKey } from "../language.ts";
import { channelLabel } from "../modes.ts";
import { follow, stepsAlong } from "./arrows.ts";
import {
  directionLabel,
  markOf,
  modeIcon,
  modeName,
  nameOf,
  outcomeLabel,
  outcomeText,
} from "./interaction.ts";
import { drawnOnce, localTimeHint, ownerOf, type Scene } from "./scene.ts";

/** The style sheet knows their height. */
const GROUP_ROWS = 20;

export interface Sort {
  column: string;
  ascending: boolean;
}

export const NEWEST_FIRST: Sort = { column: "startedAt", ascending: false };

interface Column {
  id: string;
  title: PlainKey;
  /** What the column sorts by; an absent value always comes last. */
  value: (scene: Scene, interaction: Interaction) => string | number | null;
  cell: (scene: Scene, interaction: Interaction, isFirst: boolean) => unknown;
  numeric?: boolean;
}

const text = (title: PlainKey, value: (scene: Scene, of: Interaction) => string): Column => ({
  id: title,
  title,
  value: (scene, of) => value(scene, of) || null,
  cell: value,
});

const COLUMNS: Column[] = [
  {
    id: "startedAt",
    title: "dateAndTime",
    value: (_scene, of) => Date.parse(of.startedAt),
    cell: (scene, of, isFirst) => {
      const when = `${scene.formats.shortDate(of.startedAt)}, ${scene.formats.time(of.startedAt)}`;
      const open = (event: Event) => {
        event.stopPropagation();
        scene.onSelect(of, event.currentTarget as HTMLElement);
      };
      return html`<button type="button" class="cell-button" aria-haspopup="dialog" tabindex=${isFirst ? 0 : -1} @click=${open}>
        <time datetime=${of.startedAt} title=${localTimeHint(scene, of.contactId, of.startedAt)}>${when}</time></button> ${markOf(scene, of)}`;
    },
  },
  {
    id: "mode",
    title: "mode",
    value: modeName,
    cell: (scene, of) => html`<span class="with-icon">${modeIcon(scene, of)} ${modeName(scene, of)}</span>`,
  },
  text("channel", (scene, of) => channelLabel(scene.language, scene.catalogue, of.channel)),
  text("direction", (scene, of) => directionLabel(scene.language, of.direction)),
  text("campaign", (_scene, of) => nameOf(of.campaign)),
  {
    id: "outcome",
    title: "outcome",
    value: (scene, of) => (of.outcome ? outcomeLabel(scene.language, of.outcome) : null),
    cell: (scene, of) => outcomeText(scene, of.outcome),
  },
  text("agent", (_scene, of) => nameOf(of.agent)),
  {
    id: "score",
    title: "score",
    numeric: true,
    value: (_scene, of) => of.currentScore ?? null,
    cell: (scene, of) => (of.currentScore == null ? "" : scene.formats.number(of.currentScore)),
  },
  text("comments", (_scene, of) => of.comments ?? ""),
];

const CONTACT = text("contact", (scene, of) => ownerOf(scene, of) ?? "");

const COLUMNS_WITH_CONTACT = [...COLUMNS.slice(0, 1), CONTACT, ...COLUMNS.slice(1)];

/** The policy's words for the fields of these columns. */
const KEPT_BACK = new Map([
  ["score", "scores"],
  ["comments", "comments"],
]);

function columnsOf({ people, rights }: Scene): Column[] {
  const columns = people > 1 ? COLUMNS_WITH_CONTACT : COLUMNS;
  return columns.filter(({ id }) => !rights.hidden.has(KEPT_BACK.get(id) ?? ""));
}

/** The interactions of these days as the rows of the grid, in their order. */
export function rowsOf(scene: Scene, days: Day[], { column: by, ascending }: Sort): Interaction[] {
  const interactions = days.flatMap((day) => day.interactions);
  const column = columnsOf(scene).find(({ id }) => id === by);
  return column ? sorted(scene, interactions, column, ascending) : interactions;
}

function sorted(
  scene: Scene,
  interactions: Interaction[],
  column: Column,
  ascending: boolean,
): Interaction[] {
  const keyed = interactions.map((of) => ({ of, key: column.value(scene, of) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    const order =
      typeof a.key === "number" && typeof b.key === "number"
        ? a.key - b.key
        : String(a.key).localeCompare(String(b.key), scene.language.tag, {
            numeric: true,
            sensitivity: "base",
          });
    return ascending ? order : -order;
  });
  return keyed.map(({ of }) => of);
}

export function gridView(
  scene: Scene,
  rows: Interaction[],
  reach: number,
  sort: Sort,
  onSort: (sort: Sort) => void,
  older: unknown,
): TemplateResult {
  const columns = columnsOf(scene);
  return html`<div class="grid-scroll" role="region" aria-label=${scene.language.say("gridRegion")} tabindex="0">
    <table class="grid" part="grid" role="table" @keydown=${moveByArrow}>
      <thead role="rowgroup"><tr role="row">${columns.map((column) => heading(scene, column, sort, onSort))}</tr></thead>
      ${grouped(rows.slice(0, reach)).map(
        (group) =>
          html`<tbody role="rowgroup">${drawnOnce(scene, [...group, rows[0], scene.marks], () =>
            repeat(
              group,
              ({ interactionId }) => interactionId,
              (of) => {
                const isFirst = of === rows[0];
                const mark = scene.marks.get(of.interactionId);
                return drawnOnce(scene, [of, isFirst, mark], () => row(scene, columns, of, isFirst));
              },
            ),
          )}</tbody>`,
      )}
    </table>
    ${reach < rows.length ? html`<div class="undrawn" .style=${`--_rest: ${rows.length - reach}`}></div>` : nothing}
    ${older ? html`<div class="older">${older}</div>` : nothing}
  </div>`;
}

/** Rows that are drawn, or are out of sight, together: one by one, each would be looked at with every frame. */
function grouped(rows: Interaction[]): Interaction[][] {
  const groups: Interaction[][] = [];
  for (let at = 0; at < rows.length; at += GROUP_ROWS) groups.push(rows.slice(at, at + GROUP_ROWS));
  return groups;
}

function cellClass({ id, numeric }: Column): string {
  return numeric ? `numeric cell-${id}` : `cell-${id}`;
}

function heading(scene: Scene, column: Column, sort: Sort, onSort: (sort: Sort) => void): TemplateResult {
  const isSorted = column.id === sort.column;
  const order = !isSorted ? "none" : sort.ascending ? "ascending" : "descending";
  // The first click on the date shows what an agent wants first: the newest; text begins at A.
  const ascending = isSorted ? !sort.ascending : column.id !== NEWEST_FIRST.column && !column.numeric;
  return html`<th role="columnheader" scope="col" aria-sort=${order} class=${cellClass(column)}>
    <button type="button" @click=${() => onSort({ column: column.id, ascending })}>${scene.language.say(column.title)}<span
      class="sort" data-order=${order} aria-hidden="true"></span></button></th>`;
}

function moveByArrow(event: KeyboardEvent): void {
  const from = event.target as HTMLElement;
  if (!from.matches(".cell-button")) return;
  const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".cell-button")];
  follow(event, buttons[0], from, stepsAlong(buttons, from));
}

function row(scene: Scene, columns: Column[], of: Interaction, isFirst: boolean): TemplateResult {
  // The whole row answers a mouse; the button in its first cell is the same for a keyboard.
  const open = (event: Event) => {
    const button = (event.currentTarget as HTMLElement).querySelector("button");
    if (button) scene.onSelect(of, button);
  };
  return html`<tr role="row" data-id=${of.interactionId} @click=${open}>
    ${columns.map(
      (column) => html`<td role="cell" class=${cellClass(column)}>${column.cell(scene, of, isFirst)}</td>`,
    )}
  </tr>`;
}

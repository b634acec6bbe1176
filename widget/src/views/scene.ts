// What every view needs to write and to draw with: language, formats, the catalogue of modes and channels, the time.
import { nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import type { Mark } from "../calls.ts";
import type { Formats } from "../formats.ts";
import type { ContactSummary, Interaction } from "../frames.ts";
import type { Language } from "../language.ts";
import type { Catalogue } from "../modes.ts";
import type { Rights } from "../rights.ts";

export interface Scene {
  language: Language;
  formats: Formats;
  catalogue: Catalogue;
  rights: Rights;
  /** Milliseconds since the epoch. */
  now: number;
  /** The calendar day (YYYY-MM-DD) that is in the zone shown. */
  today: string;
  /** The contacts behind the number; with several, every interaction says whose it is. */
  contacts: readonly ContactSummary[];
  /** What came or changed while the call was on screen. */
  marks: ReadonlyMap<string, Mark>;
  onSelect: (interaction: Interaction, opener: HTMLElement) => void;
}

export function contactName(contact: ContactSummary): string {
  return contact.name || contact.contactId;
}

/** Whose an interaction is, where that is a question. */
export function ownerOf(scene: Scene, interaction: Interaction): string | null {
  if (scene.contacts.length < 2) return null;
  const contact = scene.contacts.find(({ contactId }) => contactId === interaction.contactId);
  return contact ? contactName(contact) : (interaction.contactId ?? scene.language.say("nobodyKnown"));
}

/** What the clocks of a contact said, or say; null where that is not known, or is no other time than the one shown. */
export function localTime(
  { contacts, formats }: Scene,
  of: string | null | undefined,
  instant: string | number,
): string | null {
  const zone = contacts.find(({ contactId }) => contactId === of)?.timeZone;
  return zone ? formats.dateTimeIn(zone, instant) : null;
}

/** The same as a text to hover over. */
export function localTimeHint(
  scene: Scene,
  of: string | null | undefined,
  instant: string | number,
): string | typeof nothing {
  const time = localTime(scene, of, instant);
  return time ? `${scene.language.say("customerTime")}: ${time}` : nothing;
}

/** What is drawn `of` these looks the same as long as they are: of five hundred interactions, one that changed is drawn anew. */
export function drawnOnce(scene: Scene, of: readonly unknown[], draw: () => unknown): unknown {
  const { language, formats, catalogue, rights, contacts } = scene;
  return guard([...of, language, formats, catalogue, rights, contacts], draw);
}

// What every view needs to write and to draw with: language, formats, the catalogue of modes and channels, the time.
import { nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import type { Mark } from "../calls.ts";
import type { Formats } from "../formats.ts";
import type { ContactSummary, Interaction, Timeline } from "../frames.ts";
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
  contacts: readonly ContactSummary[];
  /** How many are behind the number, listed or not; with several, every interaction says whose it is. */
  people: number;
  /** What came or changed while the call was on screen. */
  marks: ReadonlyMap<string, Mark>;
  onSelect: (interaction: Interaction, opener: HTMLElement) => void;
}

export function contactName(contact: ContactSummary): string {
  return contact.name || contact.contactId;
}

export function peopleBehind(timeline: Timeline | undefined): Pick<Scene, "contacts" | "people"> {
  const { contacts = [], moreContacts = 0 } = timeline ?? {};
  return { contacts, people: contacts.length + moreContacts };
}

/** Whose an interaction is, where that is a question: one who is not listed goes by the id. */
export function ownerOf(scene: Scene, interaction: Interaction): string | null {
  const contact = scene.contacts.find(({ contactId }) => contactId === interaction.contactId);
  if (scene.people < 2 && (contact || !interaction.contactId)) return null;
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
  const { language, formats, catalogue, rights, contacts, people } = scene;
  return guard([...of, language, formats, catalogue, rights, contacts, people], draw);
}

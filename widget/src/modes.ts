// Modes and channels are data: the service's catalogue says label, icon and colour; this is what holds until it came,
// and what an unknown mode falls back to.
import type { Channel, Interaction, Mode, Welcome } from "./frames.ts";
import type { Language } from "./language.ts";

export interface Catalogue {
  modes: readonly Mode[];
  channels: readonly Channel[];
  /** Sources whose interactions are shown by their channels alone. */
  withoutModes: readonly string[];
}

export const DEFAULT_CATALOGUE: Catalogue = {
  modes: [
    { mode: "home", label: "Home", channel: "voice", icon: "call", color: "green" },
    { mode: "work", label: "Work", channel: "voice", icon: "call", color: "green" },
    { mode: "mobile", label: "Mobile", channel: "voice", icon: "mobile", color: "blue" },
    { mode: "office", label: "Office", channel: "voice", icon: "call", color: "amber" },
    { mode: "sms", label: "SMS", channel: "sms", icon: "sms", color: "violet" },
    { mode: "email", label: "Email", channel: "email", icon: "email", color: "teal" },
  ],
  channels: [
    { channel: "voice", label: "Voice", icon: "call", color: "grey" },
    { channel: "sms", label: "SMS", icon: "sms", color: "violet" },
    { channel: "email", label: "Email", icon: "email", color: "teal" },
    { channel: "chat", label: "Chat", icon: "chat", color: "indigo" },
  ],
  withoutModes: [],
};

/** What a service says stands over what was known; an older one says nothing of channels. */
export function catalogueWith(known: Catalogue, { modes, channels, withoutModes }: Welcome): Catalogue {
  return {
    modes: modes?.length ? modes : known.modes,
    channels: channels?.length ? channels : known.channels,
    withoutModes: withoutModes ?? [],
  };
}

export interface ModeLook {
  label: string;
  icon: string;
  color: string;
}

/** A word from data as a label: `web_chat` reads "Web chat". */
export function labelFromCode(code: string): string {
  const words = code.replace(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The administrator's own label stands as it is; one that came with the product is said in the agent's language. */
function labelOf(
  { word }: Language,
  set: "mode" | "channel",
  code: string,
  label: string | undefined,
  delivered: string | undefined,
): string {
  return label && label !== delivered ? label : word(set, code, label);
}

export function channelLabel(language: Language, { channels }: Catalogue, channel: string): string {
  const isIt = (entry: Channel) => entry.channel === channel;
  const delivered = DEFAULT_CATALOGUE.channels.find(isIt)?.label;
  return labelOf(language, "channel", channel, channels.find(isIt)?.label, delivered);
}

/** The label of a mode that stands alone, as in "last reached on Mobile". */
export function modeLabel(language: Language, { modes }: Catalogue, mode: string): string {
  const isIt = (entry: Mode) => entry.mode === mode;
  const delivered = DEFAULT_CATALOGUE.modes.find(isIt)?.label;
  return labelOf(language, "mode", mode, modes.find(isIt)?.label, delivered);
}

/** How the mode of an interaction looks; a mode nobody mapped gets its channel's icon. */
export function modeLook(
  language: Language,
  catalogue: Catalogue,
  { source, channel, ...interaction }: Pick<Interaction, "source" | "mode" | "channel">,
): ModeLook {
  const mode = catalogue.withoutModes.includes(source) ? null : interaction.mode;
  const { icon, color } = catalogue.modes.find((entry) => entry.mode === mode) ??
    catalogue.channels.find((entry) => entry.channel === channel) ?? { icon: "other", color: "grey" };
  const label = mode ? modeLabel(language, catalogue, mode) : channelLabel(language, catalogue, channel);
  return { label, icon, color };
}

// Modes and channels are data: the service's catalogue says label, icon and colour; this is what holds until it came,
// and what an unknown mode falls back to.
import type { Channel, Interaction, Mode, Welcome } from "./frames.ts";

export interface Catalogue {
  modes: readonly Mode[];
  channels: readonly Channel[];
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
};

/** What a service says stands over what was known; an older one says nothing of channels. */
export function catalogueWith(known: Catalogue, { modes, channels }: Welcome): Catalogue {
  return {
    modes: modes?.length ? modes : known.modes,
    channels: channels?.length ? channels : known.channels,
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

export function channelLabel({ channels }: Catalogue, channel: string): string {
  return channels.find((entry) => entry.channel === channel)?.label ?? labelFromCode(channel);
}

/** How the mode of an interaction looks; a mode nobody mapped gets its channel's icon. */
export function modeLook(
  { modes, channels }: Catalogue,
  interaction: Pick<Interaction, "mode" | "channel">,
): ModeLook {
  const { mode, channel } = interaction;
  const known = mode ? modes.find((entry) => entry.mode === mode) : undefined;
  if (known) return known;
  const look = channels.find((entry) => entry.channel === channel) ?? {
    label: labelFromCode(channel),
    icon: "other",
    color: "grey",
  };
  return mode ? { ...look, label: labelFromCode(mode) } : look;
}

/** The label of a mode that stands alone, as in "last reached on Mobile". */
export function modeLabel({ modes }: Catalogue, mode: string): string {
  return modes.find((entry) => entry.mode === mode)?.label ?? labelFromCode(mode);
}

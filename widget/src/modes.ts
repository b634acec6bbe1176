// Modes are data: the service's catalogue says label, icon and colour; this is what holds until it came,
// and what an unknown mode falls back to.
import type { Interaction, Mode } from "./frames.ts";

export const DEFAULT_MODES: Mode[] = [
  { mode: "home", label: "Home", channel: "voice", icon: "call", color: "green" },
  { mode: "work", label: "Work", channel: "voice", icon: "call", color: "green" },
  { mode: "mobile", label: "Mobile", channel: "voice", icon: "mobile", color: "blue" },
  { mode: "office", label: "Office", channel: "voice", icon: "call", color: "amber" },
  { mode: "sms", label: "SMS", channel: "sms", icon: "sms", color: "violet" },
  { mode: "email", label: "Email", channel: "email", icon: "email", color: "teal" },
];

const CHANNELS: Record<string, Omit<Mode, "mode" | "channel">> = {
  voice: { label: "Voice", icon: "call", color: "grey" },
  sms: { label: "SMS", icon: "sms", color: "violet" },
  email: { label: "Email", icon: "email", color: "teal" },
  chat: { label: "Chat", icon: "chat", color: "indigo" },
};

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

export function channelLabel(channel: string): string {
  return CHANNELS[channel]?.label ?? labelFromCode(channel);
}

/** How the mode of an interaction looks; a mode nobody mapped gets its channel's icon. */
export function modeLook(
  catalogue: readonly Mode[],
  interaction: Pick<Interaction, "mode" | "channel">,
): ModeLook {
  const { mode, channel } = interaction;
  const known = mode ? catalogue.find((entry) => entry.mode === mode) : undefined;
  if (known) return known;
  const look = CHANNELS[channel] ?? { label: labelFromCode(channel), icon: "other", color: "grey" };
  return mode ? { ...look, label: labelFromCode(mode) } : look;
}

/** The label of a mode that stands alone, as in "last reached on Mobile". */
export function modeLabel(catalogue: readonly Mode[], mode: string): string {
  return catalogue.find((entry) => entry.mode === mode)?.label ?? labelFromCode(mode);
}

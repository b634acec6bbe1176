// Text as it is compared with what somebody types: whatever the case and the accents.

export function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}

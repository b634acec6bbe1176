// The name under which tabs find each other: equal for the same service, agent and time zone, and for nothing else.
import type { Credential } from "../client.ts";
import { MESSAGES_VERSION } from "./messages.ts";

export interface Identity {
  endpoint: string;
  timeZone: string;
  agent?: string | undefined;
  token?: Credential | undefined;
}

/** A digest, because other scripts of the origin can read the names of locks and channels. */
export async function nameOf({ endpoint, timeZone, agent, token }: Identity): Promise<string> {
  // A ticket is another one each time, and says nothing of who it is for.
  const isTicket = typeof token === "object";
  const who = !token || (isTicket && agent) ? { agent } : (!isTicket && subjectOf(token)) || { token };
  const text = JSON.stringify([MESSAGES_VERSION, endpoint, timeZone, who]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `backstory ${hex.join("")}`;
}

/** Issuer and subject of a JWT: the same person, however often the token is renewed. Other tokens say nothing. */
function subjectOf(token: string): { iss: string; sub: string } | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const { iss, sub } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof iss === "string" && typeof sub === "string" ? { iss, sub } : undefined;
  } catch {
    return undefined;
  }
}

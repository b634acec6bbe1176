// The page at `/widget`: the element in somebody else's iframe. The page around it says who the agent is, if it is of an
// origin that `http.embedded_by` names, and hears what the element tells its host.
import type { Credential } from "../client.ts";
import type { CustomerJourney } from "../element.ts";

const ANSWER_WAIT_MS = 10_000;
const ATTRIBUTES = ["agent", "time-zone", "theme", "layout", "lang"];
const EVENTS = ["connection-change", "pop", "call-ended", "item-selected"];

/** What a host says of the agent, unasked or asked. */
interface Identity {
  type: "backstory-identity";
  agent?: string;
  token?: string;
  ticket?: string;
}

const journey = document.querySelector("customer-journey") as CustomerJourney;
let origins: string[] = [];
let takeCredential: (credential: Credential) => void = () => {};

function isIdentity(data: unknown): data is Identity {
  return typeof data === "object" && (data as Identity | null)?.type === "backstory-identity";
}

/** To the page around this one, whoever that is: nothing in it is secret. */
function askWhoItIs(): void {
  parent.postMessage({ type: "backstory-identity-wanted" }, "*");
}

/** A token, or a ticket in its place: the page around gives what it gave before. */
function askForCredential(): Promise<Credential> {
  return new Promise((resolve, reject) => {
    takeCredential = resolve;
    setTimeout(() => reject(new Error("the host gave no token in time")), ANSWER_WAIT_MS);
    askWhoItIs();
  });
}

function take({ agent, token, ticket }: Identity): void {
  if (agent) journey.agent = agent;
  if (!token && !ticket) return;
  takeCredential(token || { ticket: ticket ?? "" });
  if (token) journey.token = token;
  if (journey.getToken) return;
  let first = ticket;
  // Good for one session: what was given unasked is the first one's.
  journey.getToken = () => {
    const given = first;
    first = undefined;
    return given ? { ticket: given } : askForCredential();
  };
}

/** Tells the host from now on what happens. */
function tell(origin: string): void {
  for (const name of EVENTS) {
    journey.addEventListener(name, (event) => {
      const { detail } = event as CustomEvent;
      parent.postMessage({ type: "backstory-event", name, detail }, origin);
    });
  }
}

let host: string | undefined;
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !origins.includes(origin) || !isIdentity(data)) return;
  if (host !== origin) tell(origin);
  host = origin;
  take(data);
});

/** Awaited at the top level, it would tear the element's one file in two. */
async function start(): Promise<void> {
  const info = await fetch("/v1/info");
  const { embeddedBy } = (await info.json()) as { embeddedBy: string[] };
  origins = [location.origin, ...embeddedBy];
  askWhoItIs();
}

for (const [name, value] of new URLSearchParams(location.search)) {
  if (ATTRIBUTES.includes(name)) journey.setAttribute(name, value);
}
void start();

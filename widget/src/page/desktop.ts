// The agent's desktop at `/`: picks an agent, by itself where nobody says which, and puts the element to work.
import type { CustomerJourney } from "../element.ts";

const POLL_MS = 2000;
const SAMPLE_NUMBER = "+12015550100";

interface AgentState {
  agentId: string;
  openCalls: number;
  sessions: number;
}

function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element “${id}”`);
  return element as T;
}

const journey = byId<CustomerJourney>("journey");
const agents = byId<HTMLSelectElement>("agents");
const other = byId<HTMLInputElement>("other");
let known: AgentState[] = [];
/** Authentication is configured. */
let isClosed = false;
let agent = new URLSearchParams(location.search).get("agent") ?? "";

async function getJson(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

function use(next: string): void {
  agent = next;
  const url = new URL(location.href);
  url.searchParams.set("agent", next);
  history.replaceState(null, "", url);
  show();
}

function show(): void {
  const hasAgent = agent !== "";
  byId("welcome").hidden = hasAgent;
  journey.hidden = !hasAgent;
  if (hasAgent && journey.getAttribute("agent") !== agent) journey.setAttribute("agent", agent);
  const hint = byId("hint");
  hint.hidden = !hasAgent;
  const code = hint.querySelector("code");
  if (code) code.textContent = `backstory call --agent ${agent} --to ${SAMPLE_NUMBER}`;
  showAgents();
}

/** Writes the list only where it differs: an open drop-down must not close under the agent's hand every 2 s. */
function showAgents(): void {
  const isListed = known.some(({ agentId }) => agentId === agent);
  const listed = agent && !isListed ? [...known, { agentId: agent, openCalls: 0, sessions: 0 }] : known;
  const options = listed.map(({ agentId, openCalls }) => {
    const calls = openCalls === 1 ? "1 call" : `${openCalls} calls`;
    return { value: agentId, text: openCalls > 0 ? `${agentId} (${calls})` : agentId };
  });
  if (options.length === 0) options.push({ value: "", text: "none yet" });
  const isSame =
    options.length === agents.length && options.every(({ value }, i) => agents.options[i]?.value === value);
  if (!isSame) agents.replaceChildren(...options.map(({ value, text }) => new Option(text, value)));
  options.forEach(({ text }, i) => {
    const option = agents.options[i];
    if (option && option.text !== text) option.text = text;
  });
  if (agents.value !== agent) agents.value = agent;
}

/** Where agents are known by their tokens nobody is asked for a name: the service would not believe it. */
function close(): void {
  isClosed = true;
  agent = "";
  show();
  journey.removeAttribute("agent");
  byId("welcome").hidden = true;
  byId("picker").hidden = true;
  byId("closed").hidden = false;
}

async function poll(): Promise<void> {
  if (isClosed) return;
  try {
    const answer = await getJson("/v1/agents");
    known = (answer.agents as AgentState[] | undefined) ?? [];
    const first = known[0];
    if (!agent && first) use(first.agentId);
    else showAgents();
  } catch {
    // The element says on its own that the service is away; the list stays as it was.
  }
  setTimeout(() => void poll(), POLL_MS);
}

async function showInfo(): Promise<void> {
  const info = byId("info");
  try {
    const { version, node, brokers, authentication } = await getJson("/v1/info");
    const parts = [
      `Backstory ${version ?? ""}`.trim(),
      node && `node ${node}`,
      brokers && `Kafka ${brokers}`,
    ];
    info.textContent = parts.filter(Boolean).join(" · ");
    if (authentication === true) close();
  } catch {
    info.textContent = "The service does not answer";
    setTimeout(() => void showInfo(), POLL_MS);
  }
}

agents.addEventListener("change", () => agents.value && use(agents.value));
byId("picker").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = other.value.trim();
  if (id) use(id);
  other.value = "";
});
byId("themes").addEventListener("click", (event) => {
  const chosen = (event.target as HTMLElement).dataset.theme;
  if (!chosen) return;
  document.documentElement.dataset.theme = chosen;
  journey.setAttribute("theme", chosen);
  for (const button of byId("themes").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.theme === chosen));
  }
});
// A call that arrives while the agent looks at another browser tab still catches half an eye.
journey.addEventListener("pop", () => {
  document.title = "Call · Backstory";
});
journey.addEventListener("call-ended", () => {
  document.title = "Backstory";
});

show();
void poll();
void showInfo();

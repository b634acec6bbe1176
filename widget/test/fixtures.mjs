// Static frames for the tests: one customer with a journey on every mode, and the pieces to vary it.
// "Now" in every test is NOW; the agent's zone is Lisbon.

export const NOW = "2026-11-20T21:00:00Z";
export const ZONE = "Europe/Lisbon";
export const NUMBER = "+12015550142";

const DEPOSIT = { id: "td-2026", name: "Term deposit 2026" };
const CARD = { id: "cc-2026", name: "Crédit card upgrade" };
const DUARTE = { id: "agent-4", name: "Duarte Melo" };
const INES = { id: "agent-7", name: "Inês Prado" };

export const DECLINED = { code: "declined", label: "Declined", class: "failure" };
const NO_ANSWER = { code: "no_answer", label: "No answer", class: "failure" };
export const ACCEPTED = { code: "accepted", label: "Accepted", class: "success" };
const CALL_BACK = { code: "call_back", label: "Call back", class: "neutral" };

export const MODES = [
  { mode: "home", label: "Home", channel: "voice", icon: "call", color: "green" },
  { mode: "work", label: "Work", channel: "voice", icon: "call", color: "green" },
  { mode: "mobile", label: "Mobile", channel: "voice", icon: "mobile", color: "blue" },
  { mode: "office", label: "Office", channel: "voice", icon: "call", color: "amber" },
  { mode: "sms", label: "SMS", channel: "sms", icon: "sms", color: "violet" },
  { mode: "email", label: "Email", channel: "email", icon: "email", color: "teal" },
];

export function interaction(interactionId, startedAt, fields = {}) {
  return {
    interactionId,
    source: "campaign_manager",
    contactId: "bm-00042",
    address: NUMBER,
    campaign: DEPOSIT,
    channel: "voice",
    mode: "mobile",
    direction: "outbound",
    startedAt,
    agent: DUARTE,
    ...fields,
  };
}

const cloud = { source: "data_cloud", campaign: null };

/** Newest first. Three on 18 November, and one at half past midnight that is another day in UTC than in New York. */
export const JOURNEY = [
  interaction("i-09", "2026-11-18T10:30:23Z", {
    endedAt: "2026-11-18T10:34:44Z",
    outcome: DECLINED,
    previousScore: 50,
    currentScore: 45,
    comments: "Not interested now. Asked us to call again after the holidays.",
  }),
  interaction("i-08", "2026-11-18T09:05:00Z", { mode: "home", address: "+12015550177", outcome: NO_ANSWER }),
  interaction("i-07", "2026-11-18T08:15:00Z", { channel: "sms", mode: "sms", outcome: null, agent: null }),
  interaction("i-06", "2026-11-05T16:42:10Z", {
    ...cloud,
    endedAt: "2026-11-05T16:49:55Z",
    direction: "inbound",
    mode: "office",
    outcome: CALL_BACK,
    agent: INES,
    comments: "Wants the conditions in writing before deciding.",
  }),
  interaction("i-05", "2026-11-05T17:30:00Z", {
    ...cloud,
    channel: "email",
    mode: "email",
    address: "customer@example.com",
    outcome: { code: "opened", label: "Opened" },
    agent: null,
  }),
  interaction("i-04", "2026-08-14T11:00:00Z", {
    campaign: CARD,
    mode: "work",
    outcome: ACCEPTED,
    currentScore: 50,
  }),
  interaction("i-03", "2026-06-02T00:30:00Z", {
    ...cloud,
    channel: "chat",
    mode: null,
    direction: "inbound",
    outcome: null,
  }),
  interaction("i-02", "2026-03-11T14:20:00Z", {
    campaign: CARD,
    mode: "fax_line",
    outcome: { code: "weird_code" },
  }),
  interaction("i-01", "2025-12-03T10:10:00Z", {
    campaign: CARD,
    channel: "sms",
    mode: "sms",
    outcome: NO_ANSWER,
  }),
].sort((a, b) => b.startedAt.localeCompare(a.startedAt));

const BRIEF = {
  lastAt: "2026-11-18T10:30:23Z",
  lastChannel: "voice",
  lastOutcome: DECLINED,
  lastAgent: DUARTE,
  attempts7d: 3,
  attempts30d: 4,
  failuresInARow: 2,
  lastReachedAt: "2026-11-18T10:30:23Z",
  lastReachedMode: "mobile",
  score: 45,
  scoreChange: -5,
};

function counted(items, key) {
  const counts = new Map();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts];
}

/** Where the page behind these interactions begins. */
export function placeBehind(interactions) {
  const { startedAt: before, interactionId: beforeId } = interactions.at(-1);
  return { before, beforeId };
}

/** A timeline of these interactions, as the service prepares it in Lisbon: where it counts more, there is another page. */
export function timeline(interactions = JOURNEY, fields = {}) {
  const days = new Map();
  for (const one of interactions) {
    const date = new Date(one.startedAt).toLocaleDateString("en-CA", { timeZone: ZONE });
    days.set(date, [...(days.get(date) ?? []), one]);
  }
  const named = interactions.filter(({ campaign }) => campaign);
  const campaigns = counted(named, ({ campaign }) => campaign.id).map(([id, count]) => ({
    id,
    name: named.find(({ campaign }) => campaign.id === id).campaign.name,
    listed: true,
    interactions: count,
  }));
  campaigns.push({ id: "loan-26", name: "Home loan autumn", listed: true, interactions: 0 });
  return {
    number: NUMBER,
    timeZone: ZONE,
    period: { months: 12, from: "2025-11-20T00:00:00Z", to: NOW },
    contacts: [
      {
        contactId: "bm-00042",
        name: "Rita Salgado",
        interactions: interactions.length,
        lastAt: interactions[0]?.startedAt,
        brief: BRIEF,
      },
    ],
    campaigns,
    channels: counted(interactions, ({ channel }) => channel).map(([channel, count]) => ({
      channel,
      interactions: count,
    })),
    days: [...days].map(([date, of]) => ({ date, interactions: of })),
    total: interactions.length,
    shown: interactions.length,
    older: (fields.matching ?? fields.total ?? 0) > interactions.length ? placeBehind(interactions) : null,
    sources: [
      { source: "campaign_manager", asOf: "2026-11-20T20:59:58Z" },
      { source: "data_cloud", asOf: "2026-11-20T20:59:41Z" },
    ],
    ...fields,
  };
}

export function call(fields = {}) {
  return {
    callId: "c-1",
    state: "offered",
    agentId: "ana",
    direction: "outbound",
    number: NUMBER,
    campaign: DEPOSIT,
    at: NOW,
    ...fields,
  };
}

export function pop(fields = {}) {
  const { call: callFields, ...rest } = fields;
  return {
    type: "pop",
    version: 1,
    digest: "5f3a",
    announce: true,
    call: call(callFields),
    timeline: timeline(),
    ...rest,
  };
}

/** The number of a household: two people, each with an interaction, and one that nobody is known for. */
export function sharedTimeline() {
  const hers = interaction("h-2", "2026-11-18T10:30:23Z", { outcome: DECLINED });
  const his = interaction("h-1", "2026-11-10T10:00:00Z", { contactId: "bm-00043", outcome: ACCEPTED });
  const nobodys = interaction("h-0", "2026-10-10T10:00:00Z", { contactId: null });
  const contact = (contactId, name, of) => ({
    contactId,
    name,
    interactions: 1,
    lastAt: of.startedAt,
    brief: BRIEF,
  });
  const contacts = [contact("bm-00042", "Rita Salgado", hers), contact("bm-00043", null, his)];
  return timeline([hers, his, nobodys], { contacts });
}

export const welcome = {
  type: "welcome",
  session: "s-9f",
  agent: "ana",
  node: "n-1",
  serverTime: NOW,
  heartbeatSeconds: 25,
  modes: MODES,
};

// Made-up customers for the gallery: journeys of any length, the same each time, that end a little before `now`.
import type {
  Brief,
  ContactSummary,
  Day,
  Interaction,
  Named,
  Older,
  Outcome,
  Timeline,
} from "../../frames.ts";

export const ZONE = "Europe/Lisbon";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const YEAR_DAYS = 350;
const LAST_DAYS_AGO = 2;

type OutcomeCode = "accepted" | "declined" | "no_answer" | "busy" | "call_back" | "opened" | "delivered";
type Comment = "later" | "writing" | "rates" | "thanks" | "voicemail" | "wrong_time" | "complaint";

/** The people, lists and words of a journey, in one language. */
export interface Cast {
  number: string;
  email: string;
  contact: { id: string; name: string };
  agents: [Named, Named];
  campaigns: [Named, Named, Named];
  /** The number is listed in it, and was never called for it. */
  untouched: Named;
  outcomes: Record<OutcomeCode, string>;
  comments: Record<Comment, string>;
}

export const ENGLISH: Cast = {
  number: "+12015550142",
  email: "rita.salgado@example.com",
  contact: { id: "bm-00042", name: "Rita Salgado" },
  agents: [
    { id: "agent-4", name: "Duarte Melo" },
    { id: "agent-7", name: "Inês Prado" },
  ],
  campaigns: [
    { id: "td-2026", name: "Term deposit 2026" },
    { id: "cc-2026", name: "Credit card upgrade" },
    { id: "loan-25", name: "Home loan autumn" },
  ],
  untouched: { id: "wb-q4", name: "Welcome back Q4" },
  outcomes: {
    accepted: "Accepted",
    declined: "Declined",
    no_answer: "No answer",
    busy: "Busy",
    call_back: "Call back",
    opened: "Opened",
    delivered: "Delivered",
  },
  comments: {
    later: "Not interested now. Asked us to call again after the holidays.",
    writing: "Wants the conditions in writing before deciding.",
    rates: "Compared our rate with another bank's; liked ours better.",
    thanks: "Pleased with the new card, thanked us for the quick help.",
    voicemail: "Left a message on voicemail.",
    wrong_time: "Driving; evenings after six are better.",
    complaint: "Charged twice for the same transfer. Refund promised within two days.",
  },
};

export const ARABIC: Cast = {
  number: "+97145550142",
  email: "layla.haddad@example.com",
  contact: { id: "bm-00107", name: "ليلى حداد" },
  agents: [
    { id: "agent-4", name: "سامي خوري" },
    { id: "agent-7", name: "نور الحسن" },
  ],
  campaigns: [
    { id: "td-2026", name: "وديعة لأجل 2026" },
    { id: "cc-2026", name: "ترقية بطاقة الائتمان" },
    { id: "loan-25", name: "قرض السكن" },
  ],
  untouched: { id: "wb-q4", name: "عودة العملاء" },
  outcomes: {
    accepted: "تم القبول",
    declined: "رفض العرض",
    no_answer: "لا رد",
    busy: "مشغول",
    call_back: "معاودة الاتصال",
    opened: "تم الفتح",
    delivered: "تم التسليم",
  },
  comments: {
    later: "غير مهتمة الآن، وطلبت معاودة الاتصال بعد الإجازة.",
    writing: "تريد الشروط مكتوبة قبل أن تقرر.",
    rates: "قارنت سعرنا بسعر بنك آخر، وعرضنا أفضل.",
    thanks: "راضية عن البطاقة الجديدة وشكرتنا على سرعة المساعدة.",
    voicemail: "تركنا رسالة صوتية.",
    wrong_time: "كانت تقود السيارة، والمساء بعد السادسة أفضل.",
    complaint: "خُصم مبلغ التحويل مرتين، ووُعدت برده خلال يومين.",
  },
};

const FAILURES: ReadonlySet<string> = new Set(["declined", "no_answer", "busy"]);
const SPOKEN: ReadonlySet<string> = new Set(["accepted", "declined", "call_back"]);

interface Touch {
  /** Days before the one after it in time; 0 is the same day. */
  before: number;
  /** Minutes since midnight. */
  at: number;
  mode: string;
  campaign?: 0 | 1 | 2;
  inbound?: true;
  outcome?: OutcomeCode;
  comment?: Comment;
  /** What the agent did to the score. */
  score?: number;
  agent?: 0 | 1;
}

/** One year of a customer, newest first; longer journeys go round it again. */
const TOUCHES: Touch[] = [
  {
    before: 0,
    at: 630,
    mode: "mobile",
    campaign: 0,
    outcome: "declined",
    comment: "later",
    score: -5,
    agent: 0,
  },
  { before: 0, at: 545, mode: "home", campaign: 0, outcome: "no_answer", agent: 0 },
  { before: 0, at: 495, mode: "sms", campaign: 0, outcome: "delivered" },
  { before: 13, at: 1050, mode: "email", outcome: "opened" },
  { before: 0, at: 1002, mode: "office", inbound: true, outcome: "call_back", comment: "writing", agent: 1 },
  {
    before: 9,
    at: 880,
    mode: "mobile",
    campaign: 0,
    outcome: "call_back",
    comment: "rates",
    score: 10,
    agent: 0,
  },
  { before: 0, at: 700, mode: "work", campaign: 0, outcome: "busy", agent: 1 },
  { before: 21, at: 610, mode: "chat", inbound: true, comment: "complaint", agent: 1 },
  {
    before: 32,
    at: 720,
    mode: "work",
    campaign: 1,
    outcome: "accepted",
    comment: "thanks",
    score: 15,
    agent: 0,
  },
  { before: 0, at: 655, mode: "mobile", campaign: 1, outcome: "no_answer", comment: "voicemail", agent: 0 },
  { before: 6, at: 1090, mode: "mobile", campaign: 1, outcome: "call_back", comment: "wrong_time", agent: 1 },
  { before: 18, at: 540, mode: "sms", campaign: 1, outcome: "delivered" },
  { before: 27, at: 810, mode: "email", inbound: true, comment: "thanks" },
  {
    before: 41,
    at: 935,
    mode: "home",
    campaign: 2,
    outcome: "declined",
    comment: "later",
    score: -10,
    agent: 1,
  },
  { before: 0, at: 905, mode: "mobile", campaign: 2, outcome: "busy", agent: 1 },
  { before: 3, at: 1010, mode: "home", campaign: 2, outcome: "no_answer", agent: 0 },
  { before: 44, at: 660, mode: "office", inbound: true, outcome: "accepted", comment: "thanks", agent: 1 },
  { before: 0, at: 590, mode: "chat", inbound: true, agent: 1 },
  { before: 52, at: 770, mode: "email", outcome: "opened" },
  {
    before: 48,
    at: 870,
    mode: "work",
    campaign: 2,
    outcome: "call_back",
    comment: "wrong_time",
    score: 5,
    agent: 0,
  },
];

const CHANNELS: Record<string, string> = { sms: "sms", email: "email", chat: "chat" };
const SCORE_FIRST = 40;

/** `count` interactions within a year, newest first. */
export function journeyOf(cast: Cast, count: number, now: number): Interaction[] {
  const touches = Array.from({ length: count }, (_, index) => TOUCHES[index % TOUCHES.length] as Touch);
  const span = touches.reduce((days, { before }) => days + before, 0);
  const shrink = Math.min(1, (YEAR_DAYS - LAST_DAYS_AGO) / Math.max(1, span));
  let days = LAST_DAYS_AGO;
  const steps = touches.map((touch, index) => {
    days += touch.before * shrink;
    const day = midnight(now, Math.floor(days));
    const interaction = interactionOf(cast, touch, `${cast.contact.id}-${count - index}`, day);
    return { interaction, change: touch.score };
  });
  steps.sort((a, b) => b.interaction.startedAt.localeCompare(a.interaction.startedAt));
  keepScore(steps);
  return steps.map(({ interaction }) => interaction);
}

/** Days before now, at their midnight in Lisbon, give or take the hour of summer time. */
function midnight(now: number, daysAgo: number): number {
  return Math.floor(now / DAY_MS) * DAY_MS - daysAgo * DAY_MS;
}

function interactionOf(cast: Cast, touch: Touch, interactionId: string, day: number): Interaction {
  const { mode, campaign, outcome, comment, agent } = touch;
  const startedAt = day + touch.at * MINUTE_MS;
  const channel = CHANNELS[mode] ?? "voice";
  const isSpoken = channel === "voice" && outcome !== undefined && SPOKEN.has(outcome);
  return {
    interactionId,
    // What belongs to no campaign only Data Cloud knows.
    source: campaign === undefined ? "data_cloud" : "campaign_manager",
    contactId: cast.contact.id,
    address: mode === "email" ? cast.email : cast.number,
    campaign: campaign === undefined ? null : cast.campaigns[campaign],
    channel,
    mode: mode === channel && channel === "chat" ? null : mode,
    direction: touch.inbound ? "inbound" : "outbound",
    startedAt: iso(startedAt),
    endedAt: isSpoken ? iso(startedAt + 261_000) : null,
    outcome: outcome ? outcomeOf(cast, outcome) : null,
    agent: agent === undefined ? null : cast.agents[agent],
    comments: comment ? cast.comments[comment] : null,
  };
}

function outcomeOf(cast: Cast, code: OutcomeCode): Outcome {
  const isSuccess = code === "accepted";
  const outcomeClass = FAILURES.has(code) ? "failure" : isSuccess ? "success" : "neutral";
  return { code, label: cast.outcomes[code], class: outcomeClass, reached: SPOKEN.has(code) };
}

/** The score walks through time, so from the oldest on. */
function keepScore(steps: readonly { interaction: Interaction; change: number | undefined }[]): void {
  let score = SCORE_FIRST;
  for (const { interaction, change } of steps.toReversed()) {
    if (change === undefined) continue;
    interaction.previousScore = score;
    score = Math.min(100, Math.max(0, score + change));
    interaction.currentScore = score;
  }
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}

const calendar = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE });

function daysOf(interactions: readonly Interaction[]): Day[] {
  const days = new Map<string, Interaction[]>();
  for (const interaction of interactions) {
    const date = calendar.format(new Date(interaction.startedAt));
    days.set(date, [...(days.get(date) ?? []), interaction]);
  }
  return [...days].map(([date, of]) => ({ date, interactions: of }));
}

function tally<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const of = key(item);
    if (of !== undefined) counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  return counts;
}

export function briefOf(interactions: readonly Interaction[], now: number): Brief {
  const [last] = interactions;
  const attempts = (days: number) =>
    interactions.filter(
      ({ direction, startedAt }) => direction === "outbound" && Date.parse(startedAt) > now - days * DAY_MS,
    ).length;
  const reached = interactions.find(({ outcome }) => outcome?.reached);
  const scored = interactions.find(({ currentScore }) => currentScore != null);
  const success = interactions.findIndex(({ outcome }) => outcome?.class === "success");
  const sinceSuccess = success < 0 ? interactions : interactions.slice(0, success);
  return {
    lastAt: last?.startedAt ?? null,
    lastChannel: last?.channel ?? null,
    lastMode: last?.mode ?? null,
    lastOutcome: last?.outcome ?? null,
    lastAgent: last?.agent ?? null,
    attempts7d: attempts(7),
    attempts30d: attempts(30),
    failuresInARow: sinceSuccess.filter(({ outcome }) => outcome?.class === "failure").length,
    lastReachedAt: reached?.startedAt ?? null,
    lastReachedMode: reached?.mode ?? null,
    score: scored?.currentScore ?? null,
    scoreChange: scored ? (scored.currentScore ?? 0) - (scored.previousScore ?? 0) : null,
  };
}

export function contactOf(
  { id, name }: { id: string; name: string | null },
  interactions: readonly Interaction[],
  now: number,
): ContactSummary {
  const own = interactions.filter(({ contactId }) => contactId === id);
  return {
    contactId: id,
    name,
    interactions: own.length,
    lastAt: own[0]?.startedAt ?? null,
    brief: briefOf(own, now),
  };
}

/** The timeline as the service prepares it. */
export function timelineOf(
  cast: Cast,
  interactions: Interaction[],
  now: number,
  fields: Partial<Timeline> = {},
): Timeline {
  const perCampaign = tally(interactions, ({ campaign }) => campaign?.id);
  const listed = interactions.length > 0 ? [...cast.campaigns, cast.untouched] : [cast.campaigns[0]];
  return {
    number: cast.number,
    timeZone: ZONE,
    period: { months: 12, from: iso(now - 365 * DAY_MS), to: iso(now) },
    contacts: [contactOf(cast.contact, interactions, now)],
    campaigns: listed.map(({ id, name }) => ({
      id,
      name,
      listed: true,
      interactions: perCampaign.get(id) ?? 0,
    })),
    channels: [...tally(interactions, ({ channel }) => channel)].map(([channel, count]) => ({
      channel,
      interactions: count,
    })),
    days: daysOf(interactions),
    total: interactions.length,
    shown: interactions.length,
    sources: [
      { source: "campaign_manager", asOf: iso(now - 2_000) },
      { source: "data_cloud", asOf: iso(now - 19_000) },
    ],
    ...fields,
  };
}

/** Where the page behind this one begins. */
export function olderThan({ days }: Timeline): Older | null {
  const oldest = days.at(-1)?.interactions.at(-1);
  return oldest ? { before: oldest.startedAt, beforeId: oldest.interactionId } : null;
}

const GIVEN = ["Rita", "Tomás", "Leonor", "Hugo", "Marta"];
const FAMILY = ["Salgado", "Vasconcelos", "Reis", "Teixeira"];

/** Of a few, nothing but the id is known. */
export function peopleOf(count: number): { id: string; name: string | null }[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `bm-0${5000 + index}`,
    name: index % 7 === 6 ? null : `${GIVEN[index % GIVEN.length]} ${FAMILY[index % FAMILY.length]}`,
  }));
}

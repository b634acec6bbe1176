// What the service of a gallery's state can send, at one moment: calls, timelines and updates of made-up customers.
import type { Call, Interaction, Pop, Timeline, Update, Welcome } from "../../frames.ts";
import { ARABIC, contactOf, ENGLISH, journeyOf, olderThan, peopleOf, timelineOf } from "./journeys.ts";

const AGENT = "ana";
const DAY_SECONDS = 86_400;

const MODES = [
  { mode: "home", label: "Home", channel: "voice", icon: "call", color: "green" },
  { mode: "work", label: "Work", channel: "voice", icon: "call", color: "green" },
  { mode: "mobile", label: "Mobile", channel: "voice", icon: "mobile", color: "blue" },
  { mode: "office", label: "Office", channel: "voice", icon: "call", color: "amber" },
  { mode: "sms", label: "SMS", channel: "sms", icon: "sms", color: "violet" },
  { mode: "email", label: "Email", channel: "email", icon: "email", color: "teal" },
];

export class World {
  readonly #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  welcome(rights: Partial<Welcome> = {}): Welcome {
    const session = { session: "s-1", agent: AGENT, node: "n-1", serverTime: this.#ago(0) };
    return { type: "welcome", ...session, heartbeatSeconds: 25, modes: MODES, ...rights };
  }

  pop(timeline: Timeline | null, call: Partial<Call> = {}, rest: Partial<Pop> = {}): Pop {
    return {
      type: "pop",
      version: 1,
      digest: "5f3a",
      announce: true,
      call: this.#call(call),
      timeline,
      ...rest,
    };
  }

  /** A pop whose timeline is not there, and why. */
  popWithout(code: string, text: string, call: Partial<Call> = {}): Pop {
    return this.pop(null, call, { missing: { code, text } });
  }

  update(fields: Partial<Update>): Update {
    return { type: "update", version: 2, callId: "c-1", ...fields };
  }

  #call(fields: Partial<Call>): Call {
    return {
      callId: "c-1",
      state: "offered",
      agentId: AGENT,
      direction: "outbound",
      number: ENGLISH.number,
      campaign: ENGLISH.campaigns[0],
      at: this.#ago(9),
      ...fields,
    };
  }

  journey(count: number, fields?: Partial<Timeline>): Timeline {
    return timelineOf(ENGLISH, journeyOf(ENGLISH, count, this.#now), this.#now, fields);
  }

  arabic(): Pop {
    const { number, campaigns } = ARABIC;
    const timeline = timelineOf(ARABIC, journeyOf(ARABIC, 20, this.#now), this.#now);
    return this.pop(timeline, { number, campaign: campaigns[0], state: "connected" });
  }

  /** Two people of one household, and an interaction that nobody is known for. */
  household(): Timeline {
    const people = [ENGLISH.contact, { id: "bm-00043", name: "Tomás Salgado" }] as const;
    const owners = [people[0].id, people[1].id, people[0].id, null, people[0].id];
    const interactions = journeyOf(ENGLISH, 20, this.#now).map((interaction, index) => ({
      ...interaction,
      contactId: owners[index % owners.length] ?? null,
    }));
    const contacts = people.map((person) => contactOf(person, interactions, this.#now));
    return timelineOf(ENGLISH, interactions, this.#now, { contacts });
  }

  /** The switchboard of a company: ten thousand people, of whom those reached last are named. */
  switchboard(): Timeline {
    const people = peopleOf(20);
    const interactions = journeyOf(ENGLISH, 50, this.#now).map((interaction, index) => {
      // Every fifth is of somebody who is not listed.
      const listed = people[(index - Math.floor(index / 5)) % people.length];
      return { ...interaction, contactId: (index % 5 !== 4 && listed?.id) || `bm-0${7000 + index}` };
    });
    const contacts = people.map((person) => contactOf(person, interactions, this.#now));
    const timeline = timelineOf(ENGLISH, interactions, this.#now, { contacts, moreContacts: 9_980 });
    return { ...timeline, total: 18_204, moreCampaigns: 12, older: olderThan(timeline) };
  }

  /** More than the service counts. */
  vast(): Timeline {
    const timeline = this.journey(20);
    const more = <Counted extends { interactions: number }>(one: Counted) => ({
      ...one,
      interactions: one.interactions * 960,
    });
    return {
      ...timeline,
      atLeast: true,
      total: 20_000,
      contacts: timeline.contacts.map((one) => ({ ...more(one), interactions: 20_000, atLeast: true })),
      campaigns: timeline.campaigns.map(more),
      moreCampaigns: 12,
      channels: timeline.channels.map(more),
      older: olderThan(timeline),
    };
  }

  /** The answer to a search that looked through as much as one may, and found a few. */
  lookedThrough(): Timeline {
    const timeline = this.vast();
    const found = timeline.days.slice(0, 3).map((day) => ({
      ...day,
      interactions: day.interactions.filter(({ campaign }) => campaign?.id === ENGLISH.campaigns[0].id),
    }));
    const days = found.filter(({ interactions }) => interactions.length > 0);
    const shown = days.reduce((sum, { interactions }) => sum + interactions.length, 0);
    return { ...timeline, days, shown, matching: shown };
  }

  /** What an import wrote with one time for all of it. */
  oneMoment(): Timeline {
    const interactions = journeyOf(ENGLISH, 200, this.#now).map((one, index) => ({
      ...one,
      interactionId: `import-${String(index).padStart(4, "0")}`,
      startedAt: this.#ago(3 * DAY_SECONDS),
      endedAt: null,
    }));
    const timeline = timelineOf(ENGLISH, interactions, this.#now);
    return { ...timeline, total: 1_200, older: olderThan(timeline) };
  }

  /** A text that we sent during the call, and the answer to it. */
  arrivals(): Interaction[] {
    const [newest] = journeyOf(ENGLISH, 1, this.#now);
    const arrival = (
      interactionId: string,
      secondsAgo: number,
      fields: Partial<Interaction>,
    ): Interaction => ({
      ...(newest as Interaction),
      interactionId,
      source: "data_cloud",
      campaign: null,
      channel: "sms",
      mode: "sms",
      agent: null,
      previousScore: null,
      currentScore: null,
      startedAt: this.#ago(secondsAgo),
      endedAt: null,
      ...fields,
    });
    const answer = { direction: "inbound", outcome: null, comments: "Yes, please send me the conditions." };
    const outcome = { code: "delivered", label: "Delivered", class: "neutral" };
    return [arrival("live-2", 4, answer), arrival("live-1", 40, { outcome, comments: null })];
  }

  /** What an agent gets whom the policy keeps parts of numbers from. */
  masked(): Timeline {
    const of = this.journey(20, { number: masked(ENGLISH.number) });
    const days = of.days.map((day) => ({
      ...day,
      interactions: day.interactions.map((one) => ({ ...one, address: masked(one.address) })),
    }));
    return { ...of, days };
  }

  /** What an agent gets whom it keeps remarks, scores and people's names from. */
  withheld(): Timeline {
    const interactions = journeyOf(ENGLISH, 20, this.#now).map((one) => ({
      ...one,
      comments: null,
      previousScore: null,
      currentScore: null,
    }));
    const contacts = [contactOf(ENGLISH.contact, interactions, this.#now)].map(({ brief, ...contact }) => ({
      ...contact,
      name: null,
      brief: { ...brief, score: null, scoreChange: null },
    }));
    return timelineOf(ENGLISH, interactions, this.#now, { contacts });
  }

  withoutDataCloud(): Timeline {
    const known = journeyOf(ENGLISH, 20, this.#now).filter(({ source }) => source === "campaign_manager");
    return timelineOf(ENGLISH, known, this.#now, {
      sources: [
        { source: "campaign_manager", asOf: this.#ago(2) },
        { source: "data_cloud", missing: { code: "failed", text: "did not answer" } },
      ],
    });
  }

  #ago(seconds: number): string {
    return new Date(this.#now - seconds * 1000).toISOString();
  }
}

/** As the service masks: the last four digits stay. */
export function masked(address: string): string {
  return `•••${address.slice(-4)}`;
}

// How times, numbers and phone numbers are written: one object per locale and time zone, with Intl's formatters kept.
import { dateIn } from "./timeline.ts";

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const DAY = { day: "numeric", month: "short", year: "numeric" } as const;
const MOMENT = { weekday: "short", ...DAY, ...CLOCK, second: "2-digit" } as const;

export class Formats {
  readonly locale: string;
  readonly timeZone: string;
  readonly #time: Intl.DateTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #shortDate: Intl.DateTimeFormat;
  readonly #dateTime: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #number: Intl.NumberFormat;
  readonly #signed: Intl.NumberFormat;
  readonly #zone: Intl.DateTimeFormat;
  /** By zone; null where this browser knows none of that name. */
  readonly #elsewhere = new Map<string, Intl.DateTimeFormat | null>();
  #zoneNamed = { quarter: 0, name: "" };

  constructor(locale: string, timeZone: string) {
    this.locale = locale;
    this.timeZone = timeZone;
    this.#time = new Intl.DateTimeFormat(locale, { timeZone, ...CLOCK });
    // Calendar days are zoneless: they are written as midnight UTC and read in UTC.
    this.#date = new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: "short", ...DAY });
    this.#shortDate = new Intl.DateTimeFormat(locale, { timeZone, ...DAY });
    this.#dateTime = new Intl.DateTimeFormat(locale, { timeZone, ...MOMENT });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
    this.#number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    this.#signed = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, signDisplay: "exceptZero" });
    this.#zone = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" });
  }

  time(instant: string): string {
    return this.#time.format(new Date(instant));
  }

  /** A calendar day (YYYY-MM-DD), as in "Wed, 18 Nov 2026". */
  date(date: string): string {
    return this.#date.format(new Date(`${date}T00:00:00Z`));
  }

  shortDate(instant: string): string {
    return this.#shortDate.format(new Date(instant));
  }

  dateTime(instant: string): string {
    return this.#dateTime.format(new Date(instant));
  }

  /** As the clocks of another zone say it, with that zone's abbreviation; null where they say the same, or nobody knows them. */
  dateTimeIn(timeZone: string, instant: string | number): string | null {
    if (timeZone === this.timeZone) return null;
    if (!this.#elsewhere.has(timeZone)) this.#elsewhere.set(timeZone, clocksOf(this.locale, timeZone));
    return this.#elsewhere.get(timeZone)?.format(new Date(instant)) ?? null;
  }

  /** How long ago a calendar day was: today, yesterday, 3 weeks ago. */
  ago(date: string, today: string): string {
    const days = Math.round((Date.parse(date) - Date.parse(today)) / DAY_MS);
    if (Math.abs(days) < 14) return this.#relative.format(days, "day");
    if (Math.abs(days) < 61) return this.#relative.format(Math.round(days / 7), "week");
    return this.#relative.format(Math.round(days / 30.44), "month");
  }

  agoOf(instant: string, today: string): string {
    return this.ago(dateIn(this.timeZone, instant), today);
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  signed(value: number): string {
    return this.#signed.format(value);
  }

  /** The zone with its present abbreviation: Europe/Lisbon (WET). */
  zoneName(): string {
    // No zone changes its clocks but on a quarter of an hour.
    const quarter = Math.floor(Date.now() / QUARTER_MS);
    if (quarter !== this.#zoneNamed.quarter) {
      const parts = this.#zone.formatToParts(quarter * QUARTER_MS);
      const short = parts.find((part) => part.type === "timeZoneName")?.value;
      const name = short && short !== this.timeZone ? `${this.timeZone} (${short})` : this.timeZone;
      this.#zoneNamed = { quarter, name };
    }
    return this.#zoneNamed.name;
  }
}

function clocksOf(locale: string, timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone, ...MOMENT, timeZoneName: "short" });
  } catch {
    return null;
  }
}

const ONE_DIGIT_COUNTRIES = /^[17]/;
const TWO_DIGIT_COUNTRIES = /^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/**
 * The groups an E.164 number is read in; together they are the number, unchanged, so that it can be copied.
 * The blanks between groups are drawn by the style sheet. Anything else is one group.
 */
export function phoneGroups(number: string): string[] {
  if (!/^\+\d{7,15}$/.test(number)) return [number];
  const digits = number.slice(1);
  const countryDigits = ONE_DIGIT_COUNTRIES.test(digits) ? 1 : TWO_DIGIT_COUNTRIES.test(digits) ? 2 : 3;
  const groups = [`+${digits.slice(0, countryDigits)}`];
  let rest = digits.slice(countryDigits);
  while (rest.length > 4) {
    groups.push(rest.slice(0, 3));
    rest = rest.slice(3);
  }
  groups.push(rest);
  return groups;
}

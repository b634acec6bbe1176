// The language the element speaks: messages with their values filled in and their plurals chosen, words for the codes
// that data carries, and which way it is written. The compiler knows what values a message needs.
import type { en } from "./languages/en.ts";
import { labelFromCode } from "./modes.ts";

/** One form for each plural category that the language has; the value `count` decides. */
export type Plural = { [category in Intl.LDMLPluralRule]?: string } & { other: string };
export type Message = string | Plural;
export type Key = keyof typeof en;

/** Sets of codes for which the service has a text of its own, and a language may have better words. */
type WordSet =
  | "channel"
  | "close"
  | "direction"
  | "end"
  | "error"
  | "field"
  | "mark"
  | "missing"
  | "mode"
  | "source"
  | "sourceMissing"
  | "state";

/** Everything the element says, by key, and words for codes, as in `mode.mobile`. */
export type Messages = { [key in Key]: Message } & { [word in `${WordSet}.${string}`]?: Message };

type NamesIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type NamesOf<K extends Key> = (typeof en)[K] extends string
  ? NamesIn<(typeof en)[K]>
  : NamesIn<(typeof en)[K][keyof (typeof en)[K]]> | "count";
/** Messages that need no values. */
export type PlainKey = { [K in Key]: [NamesOf<K>] extends [never] ? K : never }[Key];
/** The values that a message has places for: none, or all of them. */
type Values<K extends Key, Value> = [NamesOf<K>] extends [never] ? [] : [{ [name in NamesOf<K>]: Value }];

const WRITTEN_FROM_THE_RIGHT = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)$/;

const locales = new Map<string, Intl.Locale>();

/** The first that is a language tag; pages write `pt_BR` too, and nonsense must not break the element. */
export function localeFrom(...candidates: string[]): Intl.Locale {
  const key = candidates.join(" ");
  const locale = locales.get(key) ?? firstLocale(candidates);
  locales.set(key, locale);
  return locale;
}

function firstLocale(candidates: string[]): Intl.Locale {
  for (const candidate of candidates) {
    try {
      return new Intl.Locale(candidate.replaceAll("_", "-"));
    } catch {
      // The next one may be better.
    }
  }
  return new Intl.Locale("en");
}

/** A count that may be a lower bound, written as 20,000+. */
export type Count = number | { atLeast: number };

export function countOf(count: number, isLowerBound: boolean | undefined): Count {
  return isLowerBound ? { atLeast: count } : count;
}

export class Language {
  readonly tag: string;
  readonly direction: "ltr" | "rtl";
  readonly #messages: Messages;
  readonly #plurals: Intl.PluralRules;
  readonly #numbers: Intl.NumberFormat;

  constructor(locale: Intl.Locale, messages: Messages) {
    this.tag = locale.toString();
    this.direction = WRITTEN_FROM_THE_RIGHT.test(locale.language) ? "rtl" : "ltr";
    this.#messages = messages;
    this.#plurals = new Intl.PluralRules(this.tag);
    this.#numbers = new Intl.NumberFormat(this.tag);
  }

  readonly say = <K extends Key>(key: K, ...values: Values<K, string | Count>): string =>
    this.#filled(key, values[0]).join("");

  /** For values that are drawn and not only written. */
  readonly compose = <K extends Key>(key: K, ...values: Values<K, unknown>): unknown[] =>
    this.#filled(key, values[0]);

  /** What a code means: in this language's words, else as its sender labels it, else read from the code itself. */
  readonly word = (set: WordSet, code: string, label?: string | null): string => {
    const message = this.#messages[`${set}.${code}`];
    return typeof message === "string" ? message : label || labelFromCode(code);
  };

  #filled(key: Key, values: Readonly<Record<string, unknown>> = {}): unknown[] {
    const message = this.#messages[key];
    const text = typeof message === "string" ? message : this.#form(message, values.count);
    // Every second piece is the name of a value.
    return text.split(/\{(\w+)\}/).map((piece, index) => (index % 2 ? this.#value(values[piece]) : piece));
  }

  #form(plural: Plural, count: unknown): string {
    const least = leastOf(count);
    // Words for exactly none, one or two cannot say that it may be more.
    if (Number(least) < 3) return plural.other;
    return plural[this.#plurals.select(least ?? Number(count))] ?? plural.other;
  }

  readonly count = (count: Count): string => this.#value(count) as string;

  #value(value: unknown): unknown {
    if (typeof value === "number") return this.#numbers.format(value);
    const least = leastOf(value);
    if (least !== undefined) return this.say("atLeast", { count: least });
    // Names and numbers from elsewhere keep their own direction inside a text that runs the other way.
    return typeof value === "string" && this.direction === "rtl" ? `\u2068${value}\u2069` : value;
  }
}

function leastOf(value: unknown): number | undefined {
  return (value as { atLeast?: number } | undefined)?.atLeast;
}

// Which messages the element speaks with: English, which the module carries, over it the file of another language,
// fetched when it is first needed, and over both the host's own.
import type { ReactiveControllerHost } from "lit";
import { Language, type Messages } from "./language.ts";
import { en } from "./languages/en.ts";

/** The files beside the module, each with its hash: who vouches for the module vouches for them. */
declare const LANGUAGES: Readonly<Record<string, string>>;

/** Shared by all elements of a page. */
const files = new Map<string, Promise<Partial<Messages>>>();

async function fetchFile(language: string, integrity: string): Promise<Partial<Messages>> {
  const url = new URL(/* @vite-ignore */ `./languages/${language}.json`, import.meta.url);
  const answer = await fetch(url, { integrity });
  return answer.ok ? answer.json() : {};
}

function fileOf(language: string): Promise<Partial<Messages>> | undefined {
  const integrity = LANGUAGES[language];
  if (!integrity) return undefined;
  // Where it cannot be had, English says it too.
  const file = files.get(language) ?? fetchFile(language, integrity).catch(() => ({}));
  files.set(language, file);
  return file;
}

export class Languages {
  readonly #host: ReactiveControllerHost;
  #wanted = "";
  #file: Partial<Messages> = {};
  #own: Partial<Messages> = {};
  #language: Language | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
  }

  /** The language of a locale as far as it is here, with the host's own messages over it. */
  of(locale: Intl.Locale, own: Partial<Messages>): Language {
    if (locale.language !== this.#wanted) this.#want(locale.language);
    if (this.#language?.tag !== locale.toString() || this.#own !== own) {
      this.#own = own;
      this.#language = new Language(locale, { ...en, ...this.#file, ...own });
    }
    return this.#language;
  }

  #want(language: string): void {
    this.#wanted = language;
    this.#take({});
    fileOf(language)?.then((file) => {
      if (this.#wanted !== language) return;
      this.#take(file);
      this.#host.requestUpdate();
    });
  }

  #take(file: Partial<Messages>): void {
    this.#file = file;
    this.#language = undefined;
  }
}

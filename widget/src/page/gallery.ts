// The gallery at `/widget/gallery`: every state of the element from static frames, each in a frame of its own, as on a
// host's page. `?state=…` shows one of them alone; the tests and the screenshots use that.
import type { CustomerJourney } from "../element.ts";
import { ZONE } from "./gallery/journeys.ts";
import { playScript } from "./gallery/scripted-socket.ts";
import { GALLERY, type GalleryState, type Group } from "./gallery/states.ts";
import { World } from "./gallery/world.ts";

const RIGHT_TO_LEFT = new Set(["ar"]);

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function overview(): HTMLElement[] {
  return GALLERY.map(({ title, states }: Group) =>
    make("section", {}, make("h2", {}, title), make("div", { class: "states" }, ...states.map(card))),
  );
}

function card({ id, title, about, size }: GalleryState): HTMLElement {
  const href = `?state=${id}`;
  // Frames far down load when one gets there.
  const frame = make("iframe", { src: href, title, loading: "lazy" });
  const caption = make("figcaption", {}, make("h3", {}, make("a", { href }, title)), make("p", {}, about));
  return make("figure", { class: `state ${size}`, "data-state": id }, caption, frame);
}

/** One state, filling the page. */
function alone(state: GalleryState): HTMLElement {
  const { id, title, script, attributes, lang, hostTheme, presses = [] } = state;
  const page = document.documentElement;
  document.title = `${title} · Backstory`;
  if (lang) page.lang = lang;
  if (lang && RIGHT_TO_LEFT.has(lang)) page.dir = "rtl";
  if (hostTheme) page.dataset.hostTheme = hostTheme;
  playScript(script(new World(Date.now())));
  // An agent of its own, so that no state hears another one's calls.
  const element = make("customer-journey", { agent: id, "time-zone": ZONE, ...attributes });
  element.addEventListener("pop", () => void press(element, presses), { once: true });
  return make("main", { class: "alone" }, make("h1", { class: "visually-hidden" }, title), element);
}

async function press(element: CustomerJourney, selectors: readonly string[]): Promise<void> {
  for (const selector of selectors) {
    (await present(element, selector)).click();
  }
}

/** What there is to press comes with the frames. */
async function present(element: CustomerJourney, selector: string): Promise<HTMLElement> {
  await element.updateComplete;
  const one = element.renderRoot.querySelector<HTMLElement>(selector);
  if (one) return one;
  await new Promise(requestAnimationFrame);
  return present(element, selector);
}

const wanted = new URLSearchParams(location.search).get("state");
const state = GALLERY.flatMap(({ states }) => states).find(({ id }) => id === wanted);
if (state) document.body.replaceChildren(alone(state));
else document.querySelector("main")?.replaceChildren(...overview());

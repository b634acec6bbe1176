// The module that hosts load: registers `<customer-journey>` unless somebody did, and exports the class and the client.
import { CustomerJourney } from "./element.ts";

export {
  type Connection,
  type Credential,
  JourneyClient,
  type JourneyClientOptions,
  JourneyError,
} from "./client.ts";
export { CustomerJourney } from "./element.ts";
export type { CustomerJourneyEventMap } from "./events.ts";
export type * from "./frames.ts";
export type { Message, Messages, Plural } from "./language.ts";

declare global {
  interface HTMLElementTagNameMap {
    "customer-journey": CustomerJourney;
  }
}

// Two copies of the module on one page are the commonest fault of embedded elements; the second one yields.
if (!customElements.get("customer-journey")) customElements.define("customer-journey", CustomerJourney);

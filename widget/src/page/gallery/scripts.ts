// What the service says in the gallery's states: to whoever says hello, and when it is asked.
import type { ClientFrame, ServerFrame, Timeline, Welcome } from "../../frames.ts";
import { ENGLISH } from "./journeys.ts";
import type { Line, Script } from "./scripted-socket.ts";
import { masked, type World } from "./world.ts";

/** Long enough that nothing in the picture moves. */
export const COME_BACK_MS = 60_000;
export const COME_BACK_CODE = 3001;
export const STAY_AWAY_CODE = 3500;
export const TOKEN_NEEDED_CODE = 3506;

/** A service that sends these frames to whoever says hello, and is too busy for searches. */
export const sends =
  (framesOf: (world: World) => ServerFrame[], rights: Partial<Welcome> = {}) =>
  (world: World): Script =>
  (frame, { say }) => {
    if (frame.type === "hello") for (const one of [world.welcome(rights), ...framesOf(world)]) say(one);
    const reply = answerTo(frame);
    if (reply) say(reply);
  };

/** A service that sends a journey beyond its counts, and answers searches. */
export const finds =
  (answerOf: (world: World) => Timeline) =>
  (world: World): Script =>
  (frame, { say }) => {
    if (frame.type === "hello")
      for (const one of [world.welcome(), world.pop(world.vast(), { state: "connected" })]) say(one);
    if (frame.type === "search") say({ type: "timeline", request: frame.request, timeline: answerOf(world) });
  };

function answerTo(frame: ClientFrame): ServerFrame | undefined {
  switch (frame.type) {
    case "ping":
      return { type: "pong" };
    case "reveal":
      return { ...frame, type: "revealed", number: ENGLISH.number };
    case "search": {
      const text = "Too much is being asked for right now; try again.";
      return { type: "error", request: frame.request, code: "busy", text };
    }
  }
}

/** A service whose answer to a hello ends with the end of the connection. */
export const answers =
  (speak: (line: Line, world: World) => void) =>
  (world: World): Script =>
  (frame, line) => {
    if (frame.type === "hello") speak(line, world);
  };

export const aYear = sends((world) => [world.pop(world.journey(20))]);
export const connected = (world: World) => world.pop(world.journey(20), { state: "connected" });
export const aYearConnected = sends((world) => [connected(world)]);
export const manyConnected = sends((world) => [world.pop(world.journey(500), { state: "connected" })]);
const MASKED: Partial<Welcome> = { hidden: ["numbers"], scopes: ["numbers:reveal"] };
export const maskedCall = sends(
  (world) => [world.pop(world.masked(), { state: "connected", number: masked(ENGLISH.number) })],
  MASKED,
);
const WITHHELD: Partial<Welcome> = { hidden: ["comments", "scores", "names"], scopes: [] };
export const withheld = sends((world) => [world.pop(world.withheld(), { state: "connected" })], WITHHELD);
export const late = (world: World) =>
  world.popWithout("timeout", "The history takes longer than usual; it follows as soon as it is there.");

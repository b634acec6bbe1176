// When to ask for a fresh token: some time before the one in use ends, by the service's clock, and not all at once.

const LEAD_MAX_MS = 30_000;
const LEAD_SHARE = 0.1;
/** Too close to the end to begin anything. */
const REST_MIN_MS = 1000;
/** What a browser's timer can count to. */
const WAIT_MAX_MS = 2 ** 31 - 1;

/** Milliseconds until the token is to be renewed, of the milliseconds it has left; nothing where that is too late. */
export function renewAfterMs(restMs: number, random = Math.random): number | undefined {
  if (!(restMs >= REST_MIN_MS)) return undefined;
  const lead = Math.min(LEAD_MAX_MS, restMs * LEAD_SHARE);
  // Agents sign in together in the morning; their tokens are not to be renewed together.
  return restMs - lead * (1 + random());
}

/** Runs once, later, however much later that is. */
export class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;

  set(afterMs: number, ring: () => void): void {
    this.clear();
    const waitMs = Math.min(afterMs, WAIT_MAX_MS);
    const next = waitMs < afterMs ? () => this.set(afterMs - waitMs, ring) : ring;
    this.#timer = setTimeout(next, waitMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

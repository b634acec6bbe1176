// What was asked and is not answered yet, each under the number that its answer carries.

/** A question that was answered with an `error` frame, or not answered at all. */
export class JourneyError extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = "JourneyError";
    this.code = code;
  }
}

interface Pending {
  resolve: (answer: never) => void;
  reject: (error: JourneyError) => void;
  timer: ReturnType<typeof setTimeout>;
}

export const offline = (text = "There is no connection to the service.") => new JourneyError("offline", text);

export class Requests {
  readonly #waitMs: number;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Asks under a number of its own; without an answer it fails after the wait. */
  ask<Answer>(send: (request: number) => void): Promise<Answer> {
    this.#last += 1;
    const request = this.#last;
    return new Promise<Answer>((resolve, reject) => {
      const late = () =>
        this.fail(request, new JourneyError("timeout", "The service did not answer in time."));
      this.#pending.set(request, { resolve, reject, timer: setTimeout(late, this.#waitMs) });
      send(request);
    });
  }

  answer(request: number, answer: unknown): void {
    this.#take(request)?.resolve(answer as never);
  }

  fail(request: number, error: JourneyError): void {
    this.#take(request)?.reject(error);
  }

  failAll(): void {
    for (const request of [...this.#pending.keys()]) this.fail(request, offline("The connection was lost."));
  }

  #take(request: number): Pending | undefined {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    clearTimeout(pending?.timer);
    return pending;
  }
}

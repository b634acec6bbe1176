// Stands where the browser's WebSocket does, and answers by a script: the element above it runs as it always does.
import type { ClientFrame, ServerFrame } from "../../frames.ts";

/** The service's side of one connection. */
export interface Line {
  say: (frame: ServerFrame) => void;
  hangUp: (code: number, reason: string) => void;
}

export type Script = (frame: ClientFrame, line: Line) => void;

/** Makes every socket of this page a scripted one. */
export function playScript(script: Script): void {
  class ScriptedSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSED = 3;
    readonly protocol: string;
    readyState: number = ScriptedSocket.CONNECTING;
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly #line: Line = {
      say: (frame) => this.#later(() => this.onmessage?.({ data: JSON.stringify(frame) })),
      hangUp: (code, reason) =>
        this.#later(() => {
          this.readyState = ScriptedSocket.CLOSED;
          this.onclose?.({ code, reason });
        }),
    };

    constructor(_url: string, [protocol = ""]: string[]) {
      this.protocol = protocol;
      setTimeout(() => {
        if (this.readyState !== ScriptedSocket.CONNECTING) return;
        this.readyState = ScriptedSocket.OPEN;
        this.onopen?.();
      });
    }

    send(data: string): void {
      script(JSON.parse(data) as ClientFrame, this.#line);
    }

    close(): void {
      this.readyState = ScriptedSocket.CLOSED;
    }

    /** Everything arrives in a task of its own, as from the network, and nothing after the end. */
    #later(happen: () => void): void {
      setTimeout(() => this.readyState === ScriptedSocket.OPEN && happen());
    }
  }
  globalThis.WebSocket = ScriptedSocket as unknown as typeof WebSocket;
}

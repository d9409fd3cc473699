import type { Clock } from "../timing/clock.ts";
import { decodeChannelRequest } from "../wire/channel_request.ts";
import { FrameDecoder } from "../wire/frames.ts";
import type { Fault } from "./fault.ts";

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * A long request whose body and reply are streams. Faults affect everything sent from then on: they delay
 * or drop data on its way to the server.
 */
export class MemoryChannel {
  #options: MemoryChannelOptions;
  #isStuck = false;
  #isBroken = false;

  constructor(options: MemoryChannelOptions) {
    this.#options = options;
  }

  /** Returns the body as the server receives it. */
  up(body: Bytes): Bytes {
    let hasLeft = false;
    return new ReadableStream({
      start: (controller) => void this.#send(body, controller, () => hasLeft),
      cancel: () => {
        hasLeft = true;
      },
    });
  }

  /** Returns the reply as the client receives it. */
  down(body: Bytes, signal: AbortSignal | undefined): Bytes {
    const reader = body.getReader();
    return new ReadableStream({
      start: (controller) => {
        signal?.addEventListener("abort", () => {
          controller.error(signal.reason);
          reader.cancel(signal.reason).catch(() => {});
        }, { once: true });
      },
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (signal?.aborted) return;
        const fault = this.#options.fault();
        if (this.#isStuck) return await new Promise(() => {});
        if (done && !this.#isBroken) return controller.close();
        if (fault === "garbage") controller.enqueue(Uint8Array.of(255, 254, 253));
        else if (fault === "cut") controller.enqueue(value?.slice(0, value.byteLength >> 1));
        else if (!this.#isBroken) return controller.enqueue(value);
        controller.error(new TypeError("connection reset"));
        await reader.cancel();
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  async #send(
    body: Bytes,
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
    hasLeft: () => boolean,
  ): Promise<void> {
    const { clock, fault: faultNow, onRequests } = this.#options;
    const frames = new FrameDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      const fault = faultNow();
      for (const message of done ? [] : frames.push(value)) {
        const { gets, changes } = decodeChannelRequest(message);
        onRequests(gets.length + changes.length);
      }
      this.#isStuck ||= fault === "hang";
      this.#isBroken ||= fault === "refuse";
      if (this.#isBroken) return controller.error(new TypeError("connection reset"));
      if (this.#isStuck) {
        if (done) return;
        continue;
      }
      const deliver = () => {
        if (hasLeft()) return;
        if (done) controller.close();
        else controller.enqueue(value);
      };
      if (typeof fault === "object") clock.setTimeout(deliver, fault.delayMs);
      else deliver();
      if (done) return;
    }
  }
}

/** Options for {@linkcode MemoryChannel}. */
export interface MemoryChannelOptions {
  clock: Clock;
  /** The current fault of the server. */
  fault: () => Fault | undefined;
  /** Called with the number of requests, for values or of changes, in what the client sends. */
  onRequests: (count: number) => void;
}

import { borrowBytes } from "../../byte_view.ts";
import type { Clock } from "../../timing/clock.ts";
import { writeChange } from "../../wire/channel_changes.ts";
import { writeCancel, writeGets, writePing } from "../../wire/channel_request.ts";
import { tracesOf } from "../../wire/key_traces.ts";
import { ttlOf } from "../../wire/expiry.ts";
import { Writer } from "../../wire/writer.ts";
import { ChangeCall } from "./change_call.ts";
import type { KeyCall } from "./key_call.ts";
import type { ChannelCall } from "./owed_calls.ts";

/** The body of a channel's request: gathers keys, changes, cancels and a ping in messages. */
export class ChannelBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #writer = new Writer(1024);
  /** Where the message that has not been sent yet starts. */
  #start: number | undefined;
  #keys = 0;
  #keyBytes = 0;
  #sentBytes = 0;
  #isClosed = false;

  /** @param onLost Called when the runtime has lost the connection. */
  constructor(onLost: () => void) {
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: onLost,
    });
  }

  /** Whether nothing more can be sent. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The size of all messages sent, in bytes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The number of keys in the next message, those of changes included. */
  get pendingKeys(): number {
    return this.#keys;
  }

  /** Their size, and that of the changes, in bytes. */
  get pendingKeyBytes(): number {
    return this.#keyBytes;
  }

  /** Adds calls of one kind, whose ids are consecutive, to the next message. */
  addCalls(calls: readonly ChannelCall[], clock: Clock): void {
    const before = this.#writer.byteLength;
    if (calls[0] instanceof ChangeCall) this.#addChanges(calls as readonly ChangeCall[], clock);
    else this.#addKeys(calls as readonly KeyCall[]);
    this.#keys += calls.length;
    this.#keyBytes += this.#writer.byteLength - before;
  }

  #addKeys(calls: readonly KeyCall[]): void {
    const { id: firstId, group, peek, loadTimeoutMs: timeoutMs = Infinity } = calls[0] as KeyCall;
    const isTraced = calls.some(({ traceparent }) => traceparent !== undefined);
    const traces = isTraced ? tracesOf(calls) : undefined;
    const keys = calls.map(({ key }) => key);
    writeGets(this.#open(), { group, peek, timeoutMs, firstId, keys, traces });
  }

  #addChanges(calls: readonly ChangeCall[], clock: Clock): void {
    for (const { id, group, key, note, value } of calls) {
      const bytes = value && borrowBytes(value.view);
      const ttlMs = value && ttlOf(value.expiresAtMs, clock);
      writeChange(this.#open(), { id, group, key, note, value: bytes, ttlMs });
    }
  }

  /** Adds the cancellation of a key to the next message. */
  addCancel(id: number): void {
    writeCancel(this.#open(), id);
  }

  /** Adds a ping to the next message. */
  addPing(ping: number): void {
    writePing(this.#open(), ping);
  }

  /** Sends the next message, unless it is empty. */
  send(): void {
    if (this.#start === undefined || this.#isClosed) return;
    this.#writer.endFrame(this.#start);
    this.#start = undefined;
    this.#keys = this.#keyBytes = 0;
    const bytes = this.#writer.take();
    this.#sentBytes += bytes.byteLength;
    this.#controller.enqueue(bytes);
  }

  /** Ends the body. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#controller.close();
    } catch {
      // The runtime has cancelled it.
    }
  }

  #open(): Writer {
    this.#start ??= this.#writer.startFrame();
    return this.#writer;
  }
}

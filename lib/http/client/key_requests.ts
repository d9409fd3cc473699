import type { GroupCacheError } from "../../errors.ts";
import { FrameDecoder } from "../../wire/frames.ts";
import { encodeGetKeysRequest } from "../../wire/get_keys_request.ts";
import { decodeGetResponse, type GetResponse, readIndex } from "../../wire/get_response.ts";
import { tracesOf } from "../../wire/key_traces.ts";
import { endpointPath, fitsPath, isPathStep, keyPath } from "../paths.ts";
import { ENVELOPE_BYTES, MAX_NOTE_BYTES } from "../peer_limits.ts";
import { MAX_REPEATS, repeatsTooOften } from "../repeated_keys.ts";
import type { Connection } from "./connection.ts";
import { peerFailure, toPeerError } from "./failures.ts";
import { KeyBatcher, type Route } from "./key_batcher.ts";
import type { KeyCall } from "./key_call.ts";
import { Patience } from "./patience.ts";
import type { Reply } from "./reply.ts";

/**
 * The calls to a peer that travel in requests: one key in the path, or several in a body. They are the
 * ground that a channel stands on: Go peers, proxies that buffer, large values and calls that a channel
 * left unanswered go this way.
 */
export class KeyRequests implements Route<KeyCall> {
  #connection: Connection;
  #batcher: KeyBatcher<KeyCall>;
  #unanswered = 0;
  #onUntold: (call: KeyCall) => void;

  /** @param onUntold Called with a call that another process has answered than the one that it was for. */
  constructor(connection: Connection, onUntold: (call: KeyCall) => void = () => {}) {
    this.#connection = connection;
    this.#onUntold = onUntold;
    const { clock, limits } = connection.options;
    this.#batcher = new KeyBatcher({ clock, limits, url: connection.url, route: this });
  }

  /** Sends a call, together with others if possible. */
  add(call: KeyCall): void {
    // It would hold up the others of its batch.
    if (call.isLarge) this.send([call]);
    else this.#batcher.add(call);
  }

  get roomKeys(): number {
    const { isOurs, options: { limits } } = this.#connection;
    if (!isOurs) return this.#unanswered < limits.maxGets ? 1 : 0;
    return this.#unanswered < limits.maxBatches ? limits.maxKeys : 0;
  }

  get isIdle(): boolean {
    return this.#unanswered === 0;
  }

  flush(): void {}

  send(calls: readonly KeyCall[]): void {
    // Changes of one key, each followed by a get, can fill a batch with it, which the peer would refuse.
    if (!repeatsTooOften(calls.map(({ key }) => key))) return this.#send(calls);
    for (let i = 0; i < calls.length; i += MAX_REPEATS) {
      this.#send(calls.slice(i, i + MAX_REPEATS));
    }
  }

  #send(calls: readonly KeyCall[]): void {
    const isAlone = this.#unanswered++ === 0;
    let isAnswered = false;
    const onAnswer = () => {
      if (isAnswered) return;
      isAnswered = true;
      this.#unanswered--;
      this.#batcher.schedule();
    };
    this.#settle(calls, isAlone, onAnswer).finally(onAnswer);
  }

  /** Rejects all calls that wait: the peer has turned out to be down. */
  failQueued(error: GroupCacheError): void {
    for (const call of this.#batcher.takeAll()) call.reject(error);
  }

  /**
   * Sends calls for keys of one group, and settles them.
   *
   * @param isAlone Whether no other request is unanswered. Only then may a reply wait for a load.
   * @param onAnswer To be called when the reply has begun: its rest must not hold up others.
   */
  async #settle(
    calls: readonly KeyCall[],
    isAlone: boolean,
    onAnswer: () => void,
  ): Promise<void> {
    const connection = this.#connection;
    const patience = new Patience(connection.options.silences, undefined);
    const onLeave = (_: KeyCall, reason: unknown) => {
      if (calls.every(({ isSettled }) => isSettled)) patience.leave(reason);
    };
    for (const call of calls) {
      call.attempts++;
      call.onLeave = onLeave;
    }
    let hasReply = false;
    const onReply = () => hasReply = true;
    try {
      const [call] = calls;
      const isSingle = calls.length === 1 && (isAlone || call?.isLarge || !connection.isOurs);
      const path = call && isSingle ? this.#pathOf(call.group, call.key) : "";
      const goesInPath = call && isSingle &&
        (fitsPath(path, call.key) || await this.#mustGoInPath(call.key, patience, onReply));
      if (goesInPath) {
        await this.#getOne(call, path, patience, () => {
          onReply();
          // The load may take long, and other calls must not wait for it.
          onAnswer();
        });
      } else await this.#getMany(calls, patience, onReply, onAnswer);
    } catch (error) {
      if (patience.callerLeft) return;
      if (hasReply) this.#rescue(calls, error);
      else this.#giveUp(calls, toPeerError(connection.url, error));
    } finally {
      patience.end();
    }
  }

  /** Finds out what the peer is: all answer a GET of the base path, with an error and no load. */
  async identify(patience: Patience, onReply: () => void = () => {}): Promise<void> {
    const connection = this.#connection;
    const { basePath } = connection.options;
    await connection.exchange(basePath, { method: "GET" }, {}, patience, (reply) => {
      onReply();
      return reply.start(MAX_NOTE_BYTES);
    });
  }

  /** The error of a key that a Go peer would not receive as it is. */
  cannotReceive(): GroupCacheError {
    return peerFailure(this.#connection.url, "its implementation cannot receive such a key");
  }

  /** Whether a key that does not fit in a path must go there, because the peer takes no bodies. */
  async #mustGoInPath(key: string, patience: Patience, onReply: () => void): Promise<boolean> {
    if (!this.#connection.isOurs) await this.identify(patience, onReply);
    if (this.#connection.isOurs) return false;
    if (isPathStep(key)) throw this.cannotReceive();
    return true;
  }

  async #getOne(
    call: KeyCall,
    path: string,
    patience: Patience,
    onReply: () => void,
  ): Promise<void> {
    await this.#connection.exchange(path, { method: "GET" }, call, patience, async (reply) => {
      onReply();
      if (this.#areUntold([call], reply)) return;
      if (!reply.holdsMessages) await reply.fail();
      call.resolve(reply.value(decodeGetResponse(await reply.message())));
    });
  }

  async #getMany(
    calls: readonly KeyCall[],
    patience: Patience,
    onReply: () => void,
    onAnswer: () => void,
  ): Promise<void> {
    const [first] = calls;
    if (first === undefined) return;
    const connection = this.#connection;
    const { basePath, limits } = connection.options;
    const path = endpointPath(basePath, first.group, "_get-keys/");
    const body = encodeGetKeysRequest(calls.map(({ key }) => key), tracesOf(calls));
    // Each key has its own trace.
    const options = { loadTimeoutMs: first.loadTimeoutMs, peek: first.peek };
    await connection.exchange(path, { method: "POST", body }, options, patience, async (reply) => {
      onReply();
      if (this.#areUntold(calls, reply)) return;
      if (!reply.holdsMessages) await reply.fail();
      const frames = new FrameDecoder({
        maxBytes: limits.maxValueBytes + ENVELOPE_BYTES,
        onTooLarge: (start, byteLength) => refuse(calls, reply, start, byteLength),
      });
      let areSettled = false;
      await reply.read((chunk) => {
        for (const message of frames.push(chunk)) settle(calls, reply, decodeGetResponse(message));
        // Callers that call again in this turn then find room.
        onAnswer();
        return areSettled = calls.every(({ isSettled }) => isSettled);
      });
      if (!areSettled) throw new RangeError("the reply broke off");
    });
  }

  /**
   * Whether a process has replied that has started since the calls were made. It may lack changes that the
   * one before knew, so the calls are made anew.
   */
  #areUntold(calls: readonly KeyCall[], reply: Reply): boolean {
    const { instance } = reply;
    if (instance === undefined) return false;
    if (!calls.some(({ told }) => told !== undefined && told !== instance)) return false;
    reply.discard();
    for (const call of calls) {
      if (call.isSettled) continue;
      if (call.wasUntold) {
        call.reject(reply.failure("several processes answer in its name"));
        continue;
      }
      call.wasUntold = true;
      this.#onUntold(call);
    }
    return true;
  }

  /** The peer is down: calls that are still queued would find that out one by one. */
  #giveUp(calls: readonly KeyCall[], error: GroupCacheError): void {
    for (const call of calls) call.reject(error);
    if (error.code === "peer-failed") this.failQueued(error);
  }

  /** A reply broke off. Keys of a batch that have no answer yet are asked for once more. */
  #rescue(calls: readonly KeyCall[], thrown: unknown): void {
    const error = toPeerError(this.#connection.url, thrown);
    const mayRetry = calls.length > 1 && error !== thrown;
    for (const call of calls) {
      if (call.isSettled) continue;
      if (mayRetry && call.attempts === 1) this.#batcher.add(call);
      else call.reject(error);
    }
  }

  #pathOf(group: string, key: string): string {
    return keyPath(this.#connection.options.basePath, group, key);
  }
}

function settle(calls: readonly KeyCall[], reply: Reply, message: GetResponse): void {
  if (message.pending) return;
  const call = message.index === undefined ? undefined : calls[message.index];
  if (call === undefined) throw reply.failure(`received a reply to key ${message.index}`);
  try {
    call.resolve(reply.value(message));
  } catch (error) {
    call.reject(error);
  }
}

/** Settles the call whose value is skipped because it is too large. */
function refuse(
  calls: readonly KeyCall[],
  reply: Reply,
  start: Uint8Array<ArrayBuffer>,
  byteLength: number,
): void {
  const received = `${byteLength} bytes`;
  const index = readIndex(start);
  const call = index === undefined ? undefined : calls[index];
  if (call === undefined) throw reply.failure(`received a message of ${received}`);
  call.reject(reply.tooLarge(received));
}

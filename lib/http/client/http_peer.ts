import { borrowBytes } from "../../byte_view.ts";
import type { GroupCacheError } from "../../errors.ts";
import { PeerHealth } from "../../peer/health.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "../../peer/peer.ts";
import { FrameDecoder } from "../../wire/frames.ts";
import { decodeHello, encodeHello, type Hello } from "../../wire/hello.ts";
import {
  decodeGetResponse,
  encodeGetKeysRequest,
  encodeSetRequest,
  type GetResponse,
  readIndex,
} from "../../wire/messages.ts";
import { encodeHandoff } from "../../wire/handoff.ts";
import { MAX_HELLO_BYTES, MAX_NOTE_BYTES } from "../body_bounds.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { KeyBatcher, type Sending } from "./key_batcher.ts";
import { KeyCall } from "./key_call.ts";
import { fitsPath, isPathStep, keyListPath, keyPath } from "../paths.ts";
import { Patience } from "./patience.ts";

/** How an {@linkcode HttpPeer} is made. */
export interface HttpPeerOptions extends ConnectionOptions {
  /** How peers reach this process. */
  self: () => string;
  /** As `Math.random`. */
  random: () => number;
  /** Finds out whether a peer that was given up can be asked again. It never rejects. */
  probe: (peer: Peer) => Promise<boolean>;
  /** Told that a peer is given up, and why. */
  onDown: (peer: Peer, error: GroupCacheError) => void;
  /** Told that a peer is asked again. */
  onUp: (peer: Peer) => void;
  /** Told now and then that a peer of our kind has answered. */
  onAnswer: (peer: Peer) => void;
}

/** A peer at the other end of `fetch`. */
export class HttpPeer implements Peer {
  readonly url: string;
  readonly health: PeerHealth;
  #self: () => string;
  #connection: Connection;
  #batcher: KeyBatcher;

  constructor(url: string, options: HttpPeerOptions) {
    this.url = url;
    this.#self = options.self;
    const { clock, random, peerTimeoutMs, mayBeGo } = options;
    this.health = new PeerHealth({
      url,
      clock,
      random,
      peerTimeoutMs,
      showsLife: !mayBeGo,
      probe: () => options.probe(this),
      onDown: (error) => options.onDown(this, error),
      onUp: () => options.onUp(this),
    });
    this.#connection = new Connection(url, {
      ...options,
      health: this.health,
      onAnswer: () => options.onAnswer(this),
    });
    this.#batcher = new KeyBatcher({
      url,
      limits: options.limits,
      takesBatches: () => this.#connection.isOurs,
      send: (calls, sending) => this.#send(calls, sending),
    });
  }

  get(group: string, key: string, options: PeerCallOptions = {}): Promise<EncodedValue> {
    const call = new KeyCall(group, key, options);
    // One of Go would load the key.
    if (call.peek && !this.#connection.isOurs && this.#connection.options.mayBeGo) {
      call.reject(this.#connection.failure("its implementation may not know how to peek"));
    }
    if (!call.isSettled) this.#batcher.add(call);
    return call.value;
  }

  set(
    group: string,
    key: string,
    value: EncodedValue,
    options: PeerCallOptions = {},
  ): Promise<void> {
    const path = this.#pathOf(group, key);
    const body = encodeSetRequest({
      group,
      key,
      value: borrowBytes(value.view),
      expiresAtMs: value.expiresAtMs,
    });
    // The key that counts is in the body.
    const anyPath = fitsPath(path, key) ? path : this.#pathOf(group, "-");
    return this.#change(anyPath, { method: "PUT", body }, options);
  }

  async remove(group: string, key: string, options: PeerCallOptions = {}): Promise<void> {
    const connection = this.#connection;
    const path = this.#pathOf(group, key);
    const fits = fitsPath(path, key);
    // Go peers would take a POST for a get, and load what it does not mean.
    if (!fits && !connection.isOurs) await this.#call((patience) => this.#meet(patience), options);
    if (!fits && connection.isOurs) {
      const listPath = keyListPath(connection.options.basePath, group, "_remove-keys/");
      const body = JSON.stringify({ group, keys: [key] });
      return await this.#change(listPath, { method: "POST", body }, options);
    }
    if (isPathStep(key)) throw this.#cannotReceive();
    await this.#change(path, { method: "DELETE" }, options);
  }

  async handoff(
    group: string,
    keys: readonly string[],
    options: PeerCallOptions = {},
  ): Promise<void> {
    const connection = this.#connection;
    // One of Go has no use for it.
    if (!connection.isOurs) return;
    const path = keyListPath(connection.options.basePath, group, "_handoff-keys/");
    const body = encodeHandoff({ from: this.#self(), keys });
    await this.#change(path, { method: "POST", body }, options);
  }

  async hello(hello: Hello, options: PeerCallOptions = {}): Promise<Hello | undefined> {
    const connection = this.#connection;
    const { basePath } = connection.options;
    let theirs: Hello | undefined;
    await this.#call((patience) => {
      const request = { method: "POST", body: encodeHello(hello) };
      return connection.exchange(basePath, request, {}, patience, async (response) => {
        const body = await connection.startOf(response, patience, MAX_HELLO_BYTES);
        if (response.ok && connection.isOurs) theirs = decodeHello(new TextDecoder().decode(body));
        else if (!connection.isUp(response)) throw connection.errorOf(response, body);
      });
    }, options);
    return theirs;
  }

  #change(
    path: string,
    request: { method: string; body?: string | Uint8Array<ArrayBuffer> },
    options: PeerCallOptions,
  ): Promise<void> {
    const connection = this.#connection;
    return this.#call(
      (patience) =>
        connection.exchange(path, request, options, patience, async (response) => {
          const body = await connection.startOf(response, patience, MAX_NOTE_BYTES);
          if (response.status !== 200) throw connection.errorOf(response, body);
          // golang/groupcache takes every method for a get.
          if (connection.holdsMessages(response)) {
            throw connection.failure(`it took a ${request.method} for a get`);
          }
        }),
      options,
    );
  }

  async #call(
    call: (patience: Patience) => Promise<unknown>,
    options: PeerCallOptions,
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const connection = this.#connection;
    const patience = new Patience(connection.options.silences, options.signal);
    try {
      await call(patience);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw connection.toFailure(error);
    } finally {
      patience.end();
    }
  }

  /** Sends calls for keys of one group, and settles them. */
  async #send(calls: readonly KeyCall[], { isAlone, onAnswer }: Sending): Promise<void> {
    const connection = this.#connection;
    const patience = new Patience(connection.options.silences, undefined);
    const onLeave = (reason: unknown) => {
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
      const isSingle = calls.length === 1 && (isAlone || !connection.isOurs);
      const path = call && isSingle ? this.#pathOf(call.group, call.key) : "";
      const goesInPath = call && isSingle &&
        (fitsPath(path, call.key) || await this.#mustGoInPath(call.key, patience, onReply));
      if (goesInPath) {
        await this.#getOne(call, path, patience, () => {
          onReply();
          // The load may go on for long: others must not wait for it.
          onAnswer();
        });
      } else await this.#getMany(calls, patience, onReply, onAnswer);
    } catch (error) {
      if (patience.callerLeft) return;
      if (hasReply) this.#rescue(calls, error);
      else this.#giveUp(calls, connection.toFailure(error));
    } finally {
      patience.end();
    }
  }

  /** Whether a key that does not fit a path has to be sent as one, because the peer takes no bodies. */
  async #mustGoInPath(key: string, patience: Patience, onReply: () => void): Promise<boolean> {
    const connection = this.#connection;
    if (!connection.isOurs) await this.#meet(patience, onReply);
    if (connection.isOurs) return false;
    if (isPathStep(key)) throw this.#cannotReceive();
    return true;
  }

  /** Finds out what the peer is: asked for its base path all answer, with an error and no load. */
  async #meet(patience: Patience, onReply: () => void = () => {}): Promise<void> {
    const connection = this.#connection;
    const { basePath } = connection.options;
    await connection.exchange(basePath, { method: "GET" }, {}, patience, (response) => {
      onReply();
      return connection.startOf(response, patience, MAX_NOTE_BYTES);
    });
  }

  #cannotReceive(): GroupCacheError {
    return this.#connection.failure("its implementation cannot receive such a key");
  }

  async #getOne(
    call: KeyCall,
    path: string,
    patience: Patience,
    onReply: () => void,
  ): Promise<void> {
    const connection = this.#connection;
    await connection.exchange(path, { method: "GET" }, call, patience, async (response) => {
      onReply();
      if (!connection.holdsMessages(response)) await connection.fail(response, patience);
      const message = decodeGetResponse(await connection.bodyOf(response, patience));
      call.resolve(connection.valueOf(message));
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
    const path = keyListPath(connection.options.basePath, first.group, "_get-keys/");
    const body = encodeGetKeysRequest(calls.map(({ key }) => key));
    await connection.exchange(path, { method: "POST", body }, first, patience, async (response) => {
      onReply();
      if (!connection.holdsMessages(response)) await connection.fail(response, patience);
      const frames = new FrameDecoder({
        maxBytes: connection.maxMessageBytes,
        onTooLarge: (start, byteLength) => this.#refuse(calls, start, byteLength),
      });
      let areSettled = false;
      await connection.readBody(response, patience, (chunk) => {
        for (const message of frames.push(chunk)) {
          this.#settle(calls, decodeGetResponse(message));
        }
        // Callers that come back in this turn then find a place free.
        onAnswer();
        return areSettled = calls.every(({ isSettled }) => isSettled);
      });
      if (!areSettled) throw new RangeError("the reply broke off");
    });
  }

  #settle(calls: readonly KeyCall[], message: GetResponse): void {
    if (message.pending) return;
    const call = message.index === undefined ? undefined : calls[message.index];
    if (call === undefined) {
      throw this.#connection.failure(`received a reply to key ${message.index}`);
    }
    try {
      call.resolve(this.#connection.valueOf(message));
    } catch (error) {
      call.reject(error);
    }
  }

  /** Settles the call whose value is passed over. */
  #refuse(calls: readonly KeyCall[], start: Uint8Array<ArrayBuffer>, byteLength: number): void {
    const received = `${byteLength} bytes`;
    const index = readIndex(start);
    const call = index === undefined ? undefined : calls[index];
    if (call === undefined) throw this.#connection.failure(`received a message of ${received}`);
    call.reject(this.#connection.tooLarge(received));
  }

  /** The peer is down: those that wait behind would find that out one by one. */
  #giveUp(calls: readonly KeyCall[], error: GroupCacheError): void {
    for (const call of calls) call.reject(error);
    if (error.code === "peer-failed") this.#batcher.failQueued(error);
  }

  /** A reply broke off. Of a batch, keys that had no answer yet are asked for once more. */
  #rescue(calls: readonly KeyCall[], thrown: unknown): void {
    const error = this.#connection.toFailure(thrown);
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

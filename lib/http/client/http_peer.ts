import { borrowBytes } from "../../byte_view.ts";
import type { GroupCacheError } from "../../errors.ts";
import { PeerHealth } from "../../peer/health.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "../../peer/peer.ts";
import type { Waiter } from "../../timing/waiter.ts";
import { encodeHandoff } from "../../wire/handoff.ts";
import { decodeHello, encodeHello, type Hello } from "../../wire/hello.ts";
import { toExpiry } from "../../wire/expiry.ts";
import { encodeSetRequest } from "../../wire/set_request.ts";
import { encodeReportQuestion, type ReportQuestion } from "../../wire/report_question.ts";
import { ANY_KEY, endpointPath, fitsPath, isPathStep, keyPath } from "../paths.ts";
import {
  MAX_HELLO_BYTES,
  MAX_INLINE_BYTES,
  MAX_NOTE_BYTES,
  MAX_REPORT_BYTES,
} from "../peer_limits.ts";
import { ChangeCall, type ChangeOutcome } from "./change_call.ts";
import { ChannelKeeper } from "./channel_keeper.ts";
import { Connection, type ConnectionOptions, type PeerRequest } from "./connection.ts";
import { peerFailure, toPeerError } from "./failures.ts";
import { KeyCall } from "./key_call.ts";
import { KeyRequests } from "./key_requests.ts";
import { Patience } from "./patience.ts";

/** A peer that is reached with `fetch`. */
export class HttpPeer implements Peer {
  readonly url: string;
  readonly health: PeerHealth;
  mark: string | undefined;
  instance: string | undefined;
  #self: () => string;
  #catchUp: HttpPeerOptions["catchUp"];
  #connection: Connection;
  #requests: KeyRequests;
  #channels: ChannelKeeper;

  constructor(url: string, options: HttpPeerOptions) {
    const { self, clock, random, peerTimeoutMs, dialect } = options;
    this.url = url;
    this.#self = self;
    this.#catchUp = options.catchUp;
    this.health = new PeerHealth({
      url,
      clock,
      random,
      peerTimeoutMs,
      showsLife: !dialect.mayBeGo,
      probe: () => options.probe(this),
      onDown: (error) => options.onDown(this, error),
      onUp: () => {
        this.#channels.peerIsUp();
        options.onUp(this);
      },
    });
    this.#connection = new Connection(url, {
      ...options,
      health: this.health,
      onAnswer: () => options.onAnswer(this),
      onMet: (instance) => {
        if (instance !== this.instance) options.onMet(this, instance);
      },
    });
    this.#requests = new KeyRequests(this.#connection, (call) => this.#ask(call));
    this.#channels = new ChannelKeeper(this.#connection, this.#requests);
  }

  get(group: string, key: string, options: PeerCallOptions = {}): Promise<EncodedValue> {
    const waiter = Promise.withResolvers<EncodedValue>();
    this.request(group, key, options, waiter);
    return waiter.promise;
  }

  request(
    group: string,
    key: string,
    options: PeerCallOptions,
    waiter: Waiter<EncodedValue>,
  ): void {
    const call = new KeyCall(group, key, options, waiter);
    // A Go peer would load the key.
    if (call.peek && this.#connection.mayBeGo) {
      call.reject(peerFailure(this.url, "its implementation may not know how to peek"));
    }
    if (!call.isSettled) this.#ask(call);
  }

  #ask(call: KeyCall): void {
    const caughtUp = this.#catchUp(this, call.group, call.key);
    if (caughtUp === undefined) this.#add(call);
    else caughtUp.then(() => this.#add(call), (error) => call.reject(error));
  }

  #add(call: KeyCall): void {
    if (call.isSettled) return;
    const told = call.told = this.instance;
    const channel = this.#channels.current();
    // That of a process that is no longer there may not have broken yet.
    const isMeant = channel?.instance === undefined || channel.instance === told;
    (isMeant && channel || this.#requests).add(call);
  }

  async set(
    group: string,
    key: string,
    value: EncodedValue,
    options: PeerCallOptions = {},
  ): Promise<number> {
    const outcome = await this.#changeOnChannel(group, key, value, options);
    if (outcome !== undefined) return this.#take(outcome);
    const path = this.#pathOf(group, key);
    const body = () =>
      encodeSetRequest({
        group,
        key,
        value: borrowBytes(value.view),
        ...toExpiry(value.expiresAtMs, this.#connection.options.clock),
      });
    // The key in the body is the one that counts.
    const anyPath = fitsPath(path, key) ? path : this.#pathOf(group, ANY_KEY);
    return await this.#change(anyPath, { method: "PUT", body }, options);
  }

  async remove(group: string, key: string, options: PeerCallOptions = {}): Promise<void> {
    const outcome = await this.#changeOnChannel(group, key, undefined, options);
    if (outcome !== undefined) return void this.#take(outcome);
    const connection = this.#connection;
    const path = this.#pathOf(group, key);
    const fits = fitsPath(path, key);
    // A Go peer would take a POST for a get, and load something else.
    if (!fits && !connection.isOurs) {
      await this.#call((patience) => this.#requests.identify(patience), options);
    }
    if (!fits && connection.isOurs) {
      const listPath = endpointPath(connection.options.basePath, group, "_remove-keys/");
      const body = JSON.stringify({ group, keys: [key] });
      await this.#change(listPath, { method: "POST", body }, options);
      return;
    }
    if (isPathStep(key)) throw this.#requests.cannotReceive();
    await this.#change(path, { method: "DELETE" }, options);
  }

  /**
   * Sends a change on the channel, if there is one that takes it. Otherwise returns undefined, or resolves
   * to it: the change has to be sent as a request.
   */
  #changeOnChannel(
    group: string,
    key: string,
    value: EncodedValue | undefined,
    options: PeerCallOptions,
  ): Promise<ChangeOutcome | undefined> | undefined {
    const { change: note, traceparent } = options;
    // A request tells the peer's server of the trace.
    if (note?.mark === undefined || traceparent !== undefined) return undefined;
    if (value !== undefined && value.view.size > MAX_INLINE_BYTES) return undefined;
    const channel = this.#channels.current();
    if (!channel?.takesChanges) return undefined;
    const waiter = Promise.withResolvers<ChangeOutcome | undefined>();
    const call = new ChangeCall({ group, key, value, note }, options, waiter);
    if (!call.isSettled) channel.add(call);
    return waiter.promise;
  }

  #take({ staleAt, mark }: ChangeOutcome): number {
    this.mark = mark ?? this.mark;
    return staleAt;
  }

  async handoff(
    group: string,
    keys: readonly string[],
    options: PeerCallOptions = {},
  ): Promise<void> {
    const connection = this.#connection;
    // A Go peer has no use for it.
    if (!connection.isOurs) return;
    const path = endpointPath(connection.options.basePath, group, "_handoff-keys/");
    const body = encodeHandoff({ from: this.#self(), keys });
    await this.#change(path, { method: "POST", body }, options);
  }

  async hello(hello: Hello, options: PeerCallOptions = {}): Promise<Hello | undefined> {
    const { basePath } = this.#connection.options;
    const request = { method: "POST", body: encodeHello(hello) };
    let theirs: Hello | undefined;
    await this.#call((patience) => {
      return this.#connection.exchange(basePath, request, {}, patience, async (reply) => {
        const body = await reply.start(MAX_HELLO_BYTES);
        if (reply.isOk && reply.isOurs) theirs = decodeHello(new TextDecoder().decode(body));
        // One that refuses to hear of changes is up, but it still has to be told. So has one in whose place
        // something else answers for a while, such as a page.
        else if (!reply.isUp || tellsChanges(hello) && !this.#connection.mayBeGo) {
          throw reply.error(body);
        }
      });
    }, options);
    return theirs;
  }

  async report(question: ReportQuestion, options: PeerCallOptions = {}): Promise<unknown> {
    const path = `${this.#connection.options.basePath}_stats/`;
    const request = { method: "POST", body: encodeReportQuestion(question) };
    let answer: unknown;
    await this.#call((patience) => {
      return this.#connection.exchange(path, request, {}, patience, async (reply) => {
        const body = await reply.start(Infinity, MAX_REPORT_BYTES);
        if (!reply.isOk) throw reply.error(body);
        if (!reply.isOurs) throw reply.failure("its implementation does not report what it counts");
        answer = JSON.parse(new TextDecoder().decode(body));
      });
    }, options);
    return answer;
  }

  /** Returns 0, or the time that the change must come after. */
  async #change(path: string, request: PeerRequest, options: PeerCallOptions): Promise<number> {
    let staleAt = 0;
    await this.#call((patience) => {
      return this.#connection.exchange(path, request, options, patience, async (reply) => {
        const body = await reply.start(MAX_NOTE_BYTES);
        this.mark = reply.mark ?? this.mark;
        staleAt = reply.staleAt;
        if (staleAt > 0) return;
        if (!reply.isOk) throw reply.error(body);
        // golang/groupcache answers any method as if it were a GET.
        if (reply.holdsMessages) throw reply.failure(`it took a ${request.method} for a get`);
        // An application may answer any path with a page of its own.
        if (!reply.isOurs && !this.#connection.mayBeGo) {
          throw reply.failure(`it answered a ${request.method} as no peer does`);
        }
      });
    }, options);
    return staleAt;
  }

  async #call(
    call: (patience: Patience) => Promise<unknown>,
    options: PeerCallOptions,
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const patience = new Patience(this.#connection.options.silences, options.signal);
    try {
      await call(patience);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw toPeerError(this.url, error);
    } finally {
      patience.end();
    }
  }

  #pathOf(group: string, key: string): string {
    return keyPath(this.#connection.options.basePath, group, key);
  }
}

function tellsChanges({ changes }: Hello): boolean {
  return changes !== undefined && (changes.reset !== undefined || changes.changes.length > 0);
}

/** Options for {@linkcode HttpPeer}. */
export interface HttpPeerOptions extends ConnectionOptions {
  /** How peers reach this process. */
  self: () => string;
  /**
   * Makes sure that a peer knows of all changes of a key that this process knows of; undefined if it
   * does already. Rejects if it cannot be told.
   */
  catchUp: (peer: Peer, group: string, key: string) => Promise<void> | undefined;
  /** The source of randomness, as `Math.random`. */
  random: () => number;
  /** Finds out whether a peer that was given up can be asked again. It never rejects. */
  probe: (peer: Peer) => Promise<boolean>;
  /** Called when a peer is given up. */
  onDown: (peer: Peer, error: GroupCacheError) => void;
  /** Called when a peer is asked again. */
  onUp: (peer: Peer) => void;
  /** Called from time to time when a peer of this implementation has answered. */
  onAnswer: (peer: Peer) => void;
  /** Called with its instance id when another process has replied at a peer's URL than before. */
  onMet: (peer: Peer, instance: string) => void;
}

import type { CallOptions } from "@groupcache/groupcache";
import type { Change, Instant, Read } from "./history.ts";
import type { Node, NodeGroup } from "./node.ts";
import type { GetManyOperation, KeyOperation, Operation } from "./plan.ts";
import type { World } from "./world.ts";

/** A call that has not come to its end. */
interface Call {
  readonly node: Node;
  readonly what: string;
  readonly key: string | undefined;
  readonly began: Instant;
  /** What it asks for: group and key. */
  readonly names: readonly string[];
  /** When the first call began whose flight it may have joined, in milliseconds. */
  readonly sinceMs: number;
}

/** What a `get` may fail with: never with what keeps a peer from answering. */
const READ_ERRORS: ReadonlySet<string> = new Set([
  "not-found",
  "load-failed",
  "timeout",
  "overloaded",
  "closed",
  "abort",
]);
const CHANGE_ERRORS: ReadonlySet<string> = new Set([
  "peer-failed",
  "overloaded",
  "closed",
  "abort",
]);

/** So long after the end of all trouble, in milliseconds, all peers can be reached again. */
const RECOVERY_MS = 15_000;

/** An aborted call ends at once. */
const ABORT_MS = 1;

/** Calls groups as programs do, and checks what comes of it. */
export class Callers {
  #world: World;
  #calls = new Set<Call>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Calls that have not come to their end, in processes that could have ended them. */
  get pending(): Call[] {
    return [...this.#calls].filter(({ node }) => !node.gate.isDead);
  }

  /**
   * Makes a call in a process.
   *
   * @param onRead Told of the values that it brings.
   */
  call(node: Node, operation: Operation, onRead: (read: Read) => void = () => {}): void {
    const made = node.group(operation.group);
    if (made === undefined || node.isClosed) return;
    switch (operation.kind) {
      case "get":
        return void this.#get(node, made, operation, onRead);
      case "getMany":
        return void this.#getMany(node, made, operation, onRead);
      case "peek":
        return this.#peek(node, made, operation, onRead);
      case "set":
      case "remove":
        return void this.#change(node, made, operation);
    }
  }

  async #get(
    node: Node,
    { group, origin }: NodeGroup,
    operation: KeyOperation,
    onRead: (read: Read) => void,
  ): Promise<void> {
    const { key, abortAfterMs } = operation;
    const end = this.#begin(node, `get ${nameOf(operation)}`, key, abortAfterMs);
    try {
      const brought = await group.get(key, this.#options(node, operation));
      const call = end(`brought ${JSON.stringify(origin.decode(key, brought)?.id)}`);
      this.#check(node, { group, origin }, { ...operation, ...call, key, brought }, onRead);
    } catch (error) {
      this.#failed(node, key, error, READ_ERRORS, end(codeOf(error)).began);
    }
  }

  async #getMany(
    node: Node,
    { group, origin }: NodeGroup,
    operation: GetManyOperation,
    onRead: (read: Read) => void,
  ): Promise<void> {
    const { keys, settled, abortAfterMs } = operation;
    const end = this.#begin(node, `getMany ${nameOf(operation)}`, undefined, abortAfterMs);
    const options = this.#options(node, operation);
    try {
      const brought = settled
        ? await group.getMany(keys, { ...options, settled })
        : await group.getMany(keys, options);
      const call = end(`brought ${brought.size}`);
      for (const [key, outcome] of brought) {
        const result = settled ? outcome as PromiseSettledResult<unknown> : undefined;
        if (result?.status === "rejected") {
          this.#failed(node, key, result.reason, READ_ERRORS, call.began);
          continue;
        }
        const value = result === undefined ? outcome : result.value;
        const made = { ...operation, ...call, key, brought: value };
        this.#check(node, { group, origin }, made, onRead);
      }
    } catch (error) {
      this.#failed(node, undefined, error, READ_ERRORS, end(codeOf(error)).began);
    }
  }

  #peek(
    node: Node,
    { group, origin }: NodeGroup,
    operation: KeyOperation,
    onRead: (read: Read) => void,
  ): void {
    const { key } = operation;
    const began = this.#world.history.instant();
    const brought = group.peek(key);
    if (brought === undefined) return;
    this.#world.note(
      node.name,
      `peek ${nameOf(operation)} brought ${origin.decode(key, brought)?.id}`,
      [key],
    );
    const sinceMs = began.atMs;
    this.#check(node, { group, origin }, { ...operation, key, brought, began, sinceMs }, onRead);
  }

  async #change(
    node: Node,
    { group, origin }: NodeGroup,
    operation: KeyOperation,
  ): Promise<void> {
    const { kind, group: index, key, abortAfterMs } = operation;
    const { history, plan } = this.#world;
    if (kind !== "set" && kind !== "remove") return;
    const knew = [...node.cache.peers];
    const change = history.changeBegan({ kind, group: index, key, by: node, knew });
    const value = history.newValue({
      group: index,
      key,
      setBy: change,
      by: node.name,
      ttlMs: plan.groups[index]?.ttlMs ?? Infinity,
    }, change.began);
    value.ended = change.began;
    const what = `${kind} ${nameOf(operation)}` + (kind === "set" ? ` to ${value.id}` : "");
    const end = this.#begin(node, what, key, abortAfterMs, { isChange: true });
    const options = this.#options(node, operation);
    let failure: unknown;
    try {
      if (kind === "set") await group.set(key, origin.encode(value), options);
      else await group.remove(key, options);
    } catch (error) {
      failure = error;
    }
    const knows = new Set(node.cache.peers);
    change.knewThroughout = knew.filter((url) => knows.has(url));
    change.ended = history.instant();
    change.whoMissedIt = this.#whoMissed(change);
    const code = failure === undefined ? "resolved" : codeOf(failure);
    change.outcome = code === "resolved" || code === "peer-failed" ? code : "other failure";
    const { began } = end(code);
    if (failure === undefined) return;
    this.#failed(node, key, failure, CHANGE_ERRORS, began);
    if (code === "peer-failed") this.#checkPeerFailure(change, failure);
  }

  /** A change fails only for what is wrong, and says whom it could not reach. */
  #checkPeerFailure({ by, kind, key, began }: Change, error: unknown): void {
    const { calm, rules, scheduler } = this.#world;
    const call = `${by.name}'s ${kind} of ${key}, begun at ${began.atMs.toFixed(2)}`;
    if (!messageOf(error).includes("http://peer-")) {
      const what = `${call}, names no peer: ${error}`;
      rules.report({ rule: "wrong error", key, what });
    }
    if (calm.forMsButGroups < scheduler.nowMs - began.atMs + RECOVERY_MS || !by.isUp) return;
    const what = `${call}, failed though nothing was wrong: ${error}`;
    rules.report({ rule: "failed change", key, what });
  }

  #whoMissed({ by, knew, reached, missed }: Change): string {
    const there = this.#world.nodes.filter((node) =>
      node !== by && !node.gate.isDead && !node.isClosed
    );
    const names = (nodes: Node[]) =>
      nodes.map(({ name, isUp }) => name + (isUp ? "" : ", which leaves")).join(" and ");
    const unknown = names(there.filter(({ url }) => !knew.includes(url)));
    const untold = names(there.filter(({ url }) => knew.includes(url) && !reached.has(url)));
    const late = names(there.filter(({ url }) => reached.has(url) && missed.has(url)));
    return (unknown && `; it did not know of ${unknown}`) +
      (untold && `; it did not reach ${untold}`) +
      (late && `; it lost its first message to ${late}`);
  }

  /** Takes note of a call. Returns what does so of its end, and returns the call. */
  #begin(
    node: Node,
    what: string,
    key: string | undefined,
    abortAfterMs: number,
    { isChange = false }: { isChange?: boolean } = {},
  ): (how: string) => Call {
    const { history, scheduler } = this.#world;
    const began = history.instant();
    const keys = what.match(/key\d+/g) ?? [];
    const group = what.match(/group\d+/)?.[0];
    const names = isChange ? [] : keys.map((key) => `${group}/${key}`);
    const call: Call = { node, what, key, began, names, sinceMs: this.#sinceMs(names, began) };
    this.#calls.add(call);
    this.#world.note(node.name, `calls ${what}`, keys);
    if (abortAfterMs < Infinity) {
      scheduler.after(abortAfterMs + ABORT_MS, () =>
        node.gate.enter(() =>
          // What else is due after a freeze may come before the abort.
          scheduler.after(ABORT_MS, () =>
            node.gate.enter(() => {
              if (this.#calls.has(call)) this.#hangs(call, "though it was aborted");
            }))
        ));
    }
    return (how) => {
      if (this.#calls.delete(call)) this.#checkDuration(call, isChange);
      this.#world.note(node.name, `${how}: ${what}, called at ${began.atMs.toFixed(2)}`, keys);
      return call;
    };
  }

  /** Calls for a key share flights, in their own process or at its owner. */
  #sinceMs(names: readonly string[], { atMs }: Instant): number {
    return [...this.#calls].reduce(
      (sinceMs, call) =>
        call.names.some((name) => names.includes(name)) ? Math.min(sinceMs, call.sinceMs) : sinceMs,
      atMs,
    );
  }

  /** A call waits for no peer longer than its timeout, and for no load longer than that may take. */
  #checkDuration({ node, what, key, began }: Call, isChange: boolean): void {
    const { plan, scheduler, troubledMs, rules } = this.#world;
    // A process that was frozen itself comes late.
    if ((troubledMs.get(node.url) ?? -Infinity) > began.atMs) return;
    const others = plan.places.length - 1;
    const loadMs = Math.max(...plan.groups.map(({ loadTimeoutMs }) => loadTimeoutMs));
    // Each peer may be asked twice, and peeked at.
    const patienceMs = plan.cache.peerTimeoutMs + 1000 + 2 * plan.network.slowMs;
    const limitMs = isChange
      ? 2 * patienceMs * (others + 1)
      : loadMs * (others + 1) + 2 * patienceMs * others;
    const tookMs = scheduler.nowMs - began.atMs;
    if (tookMs <= limitMs + 1000) return;
    rules.report({
      rule: "hang",
      key,
      what: `${node.name}'s ${what} of ${began.atMs.toFixed(2)} took ${tookMs.toFixed(0)} ms`,
    });
  }

  /** Reports calls that ought to have ended. */
  reportPending(): void {
    for (const call of this.pending) this.#hangs(call, "long after all faults have ended");
  }

  #hangs(call: Call, how: string): void {
    const { node, what, key, began } = call;
    this.#calls.delete(call);
    this.#world.rules.report({
      rule: "hang",
      key,
      what: `${node.name}'s ${what} of ${began.atMs.toFixed(2)} has not ended, ${how}`,
    });
  }

  #options(node: Node, operation: KeyOperation | GetManyOperation): CallOptions {
    const { group, abortAfterMs } = operation;
    if (abortAfterMs === Infinity) return {};
    const controller = new AbortController();
    const { history, scheduler } = this.#world;
    scheduler.after(abortAfterMs, () => {
      node.gate.enter(() => {
        history.callerLeft(group, "keys" in operation ? operation.keys : [operation.key]);
        controller.abort(new DOMException("too late", "TimeoutError"));
      });
    });
    return { signal: controller.signal };
  }

  #check(
    node: Node,
    { origin }: NodeGroup,
    { kind, group, key, brought, began, sinceMs }: {
      kind: string;
      group: number;
      key: string;
      brought: unknown;
      began: Instant;
      sinceMs: number;
    },
    onRead: (read: Read) => void,
  ): void {
    const { rules, history } = this.#world;
    const value = origin.decode(key, brought);
    if (value === undefined) {
      const what = `${node.name}'s ${kind} of ${key} brought ${JSON.stringify(brought)}`;
      return rules.report({ rule: "wrong value", key, what });
    }
    const ended = history.instant();
    const read: Read = { kind, group, key, by: node, began, ended, value, sinceMs };
    rules.read(read);
    onRead(read);
  }

  #failed(
    node: Node,
    key: string | undefined,
    error: unknown,
    allowed: ReadonlySet<string>,
    began: Instant,
  ): void {
    const code = codeOf(error);
    if (allowed.has(code) && (code !== "closed" || node.isClosed || !node.isUp)) return;
    this.#world.rules.report({
      rule: "wrong error",
      key,
      what: `${node.name}'s call of ${began.atMs.toFixed(2)} failed with ${code}: ${error}`,
    });
  }
}

function nameOf(operation: Operation): string {
  const keys = operation.kind === "getMany" ? operation.keys.join() : operation.key;
  return `group${operation.group}/${keys}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "abort";
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

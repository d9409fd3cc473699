import {
  DiscoveryErrorEvent,
  type GroupCacheEventMap,
  LoadErrorEvent,
  PeerDownEvent,
  PeerErrorEvent,
  PeerMismatchEvent,
  PeerUnauthorizedEvent,
  PeerUpEvent,
  ProblemEvent,
  UnprotectedEvent,
} from "./events.ts";
import { messageOf, printable, quote } from "./errors.ts";
import type { Problem } from "./process_report.ts";
import type { Clock } from "./timing/clock.ts";

/**
 * A message for operators.
 *
 * @example
 * ```ts
 * import { GroupCache, type LogEntry } from "@groupcache/groupcache";
 *
 * const line = ({ level, cause, message }: LogEntry): string =>
 *   JSON.stringify({ level, cause, message });
 *
 * await using _cache = new GroupCache({ log: (entry) => console.log(line(entry)) });
 * ```
 */
export interface LogEntry {
  /** `info` after a recovery, `warn` if the application is still served, otherwise `error`. */
  level: "info" | "warn" | "error";
  /**
   * The kind of problem, for programs: the type of an event such as `peer-down`, or `no-peers`,
   * `too-large`, `unknown-group`, `unknown-option`, `codec`.
   */
  cause: string;
  /** What is wrong and what to check, for people. */
  message: string;
}

/**
 * Receives entries: a function, `console`, or an object like it.
 *
 * @example
 * ```ts
 * import { GroupCache, type Log } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const causes: string[] = [];
 * const log: Log = ({ cause }) => causes.push(cause);
 *
 * await using cache = new GroupCache({ log });
 * const pages = cache.group("pages", { maxBytes: 64 << 10, load: () => "x".repeat(64 << 10) });
 * await pages.get("too large to keep");
 * assertEquals(causes, ["too-large"]);
 * ```
 */
export type Log =
  | ((entry: LogEntry) => void)
  | Readonly<Record<LogEntry["level"], (message: string) => void>>;

/** How many problems are remembered. */
const MAX_PROBLEMS = 50;

/** Remembers the problems of a process, and reports them to the log. */
export class Problems {
  #options: ProblemsOptions;
  /** By kind and subject, the latest last. */
  #problems = new Map<string, Problem>();

  constructor(options: ProblemsOptions) {
    this.#options = options;
  }

  /** The recent problems, the latest first. */
  list(): Problem[] {
    return [...this.#problems.values()].reverse().map((problem) => ({ ...problem }));
  }

  /** Records the problem that an event reports. */
  note(event: Event): void {
    const told = entryOf(event);
    if (told === undefined) return;
    const { level, cause, subject } = told;
    const message = printable(told.message);
    this.#add({ level, cause, message }, subject, event.type);
  }

  /** The same problem with another subject is another one. */
  #add(entry: LogEntry, subject: string, type: string): void {
    if (entry.level === "info") {
      this.#tell(entry, { isNew: true, type });
      return;
    }
    const { cause, message } = entry;
    const id = `${cause} ${subject}`;
    const known = this.#problems.get(id);
    const now = this.#options.clock.now();
    this.#problems.delete(id);
    this.#problems.set(id, {
      cause,
      message,
      count: (known?.count ?? 0) + 1,
      firstMs: known?.firstMs ?? now,
      lastMs: now,
    });
    if (this.#problems.size > MAX_PROBLEMS) {
      for (const oldest of this.#problems.keys()) {
        this.#problems.delete(oldest);
        break;
      }
    }
    this.#tell(entry, { isNew: known === undefined, type });
  }

  #tell(entry: LogEntry, { isNew, type }: { isNew: boolean; type: string }): void {
    const { log, isHeard } = this.#options;
    if (log === false) return;
    const message = `groupcache: ${entry.message}`;
    if (log !== undefined) {
      try {
        if (typeof log === "function") log(entry);
        else log[entry.level](message);
      } catch {
        // What fails to be told must not fail a get.
      }
      return;
    }
    if (!isNew || entry.level === "info" || isHeard(type)) return;
    // deno-lint-ignore no-console -- silence has cost people days
    console.warn(message);
  }
}

/** Options for {@linkcode Problems}. */
export interface ProblemsOptions {
  clock: Clock;
  /** Undefined for one plain warning per problem, unless there is a listener; false for none. */
  log: Log | false | undefined;
  /** Whether there is a listener for events of a type. */
  isHeard: (type: string) => boolean;
}

function entryOf(event: Event): LogEntry & { subject: string } | undefined {
  const cause = event.type as keyof GroupCacheEventMap;
  if (event instanceof LoadErrorEvent) {
    return { level: "error", cause, message: event.error.message, subject: event.group };
  }
  if (event instanceof PeerErrorEvent) {
    return { level: "warn", cause, message: event.error.message, subject: event.peer };
  }
  if (event instanceof PeerDownEvent) {
    const message = `Peer ${event.peer} is down, others take over its keys: ${event.error.message}`;
    return { level: "warn", cause, message, subject: event.peer };
  }
  if (event instanceof PeerUpEvent) {
    return { level: "info", cause, message: `Peer ${event.peer} is up`, subject: event.peer };
  }
  if (event instanceof PeerMismatchEvent) {
    const message = `This process and a peer disagree: ${event.message}`;
    return { level: "warn", cause, message, subject: `${event.peer} ${event.kind}` };
  }
  if (event instanceof DiscoveryErrorEvent) {
    const message =
      `Cannot update the list of peers, the previous one remains in force: ${event.error.message}`;
    return { level: "error", cause, message, subject: "" };
  }
  if (event instanceof PeerUnauthorizedEvent) {
    const { reason, peer, error } = event;
    const where = peer === undefined ? "a request to this process" : `a reply of peer ${peer}`;
    const check = reason === "unconfirmed"
      ? "somebody else may send messages in the name of a peer: see docs/security.md"
      : reason === "not-authorized"
      ? "check the option authorize"
      : "check that all processes have the same secret";
    const message = `Cannot trust ${where}: ${reason}${
      error ? `: ${messageOf(error)}` : ""
    }; ${check}`;
    return { level: "warn", cause, message, subject: `${reason} ${peer}` };
  }
  if (event instanceof UnprotectedEvent) {
    return { level: "warn", cause, message: event.message, subject: "" };
  }
  if (event instanceof ProblemEvent) {
    const { cause, message, subject } = event;
    return { level: "warn", cause, message, subject };
  }
  return undefined;
}

/** Returns the event for a peer that asks for a group which does not exist here. */
export function unknownGroup(name: string, known: readonly string[]): ProblemEvent {
  const message =
    `A peer asks for group ${quote(name)}, which is not here: is its name the same in ` +
    `all processes? Here are ${known.map(quote).join(", ") || "none yet"}`;
  // One subject for all: anybody may ask for anything.
  return new ProblemEvent({ cause: "unknown-group", message, subject: "" });
}

import {
  DiscoveryErrorEvent,
  type GroupCacheEventMap,
  LoadErrorEvent,
  PeerDownEvent,
  PeerErrorEvent,
  PeerMismatchEvent,
  PeerUpEvent,
} from "./events.ts";
import type { Problem } from "./process_report.ts";
import type { Clock } from "./timing/clock.ts";

/** A message for operators. */
export interface LogEntry {
  /** `info` after a recovery, `warn` if the application is still served, otherwise `error`. */
  level: "info" | "warn" | "error";
  /**
   * The kind of problem, for programs: the type of an event such as `peer-down`, or `no-peers`,
   * `too-large`, `unknown-group`, `codec`.
   */
  cause: string;
  /** What is wrong and what to check, for people. */
  message: string;
}

/** Receives entries: a function, `console`, or an object like it. */
export type Log =
  | ((entry: LogEntry) => void)
  | Readonly<Record<LogEntry["level"], (message: string) => void>>;

/** How many problems are remembered. */
const MAX_PROBLEMS = 50;

/** Options for {@linkcode Problems}. */
export interface ProblemsOptions {
  clock: Clock;
  /** Undefined for one plain warning per problem, unless there is a listener; false for none. */
  log: Log | false | undefined;
  /** Whether there is a listener for events of a type. */
  isHeard: (type: string) => boolean;
}

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
    const { subject, ...entry } = told;
    this.add(entry, subject);
  }

  /**
   * Records a problem.
   *
   * @param subject What it concerns: the same kind with another subject is another problem.
   */
  add(entry: LogEntry, subject: string): void {
    if (entry.level === "info") {
      this.#tell(entry, true);
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
    this.#tell(entry, known === undefined);
  }

  #tell(entry: LogEntry, isNew: boolean): void {
    const { log, isHeard } = this.#options;
    if (log === false) return;
    if (typeof log === "function") return log(entry);
    const message = `groupcache: ${entry.message}`;
    if (log !== undefined) return log[entry.level](message);
    if (!isNew || entry.level === "info" || isHeard(entry.cause)) return;
    // deno-lint-ignore no-console -- silence has cost people days
    console.warn(message);
  }
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
  return undefined;
}

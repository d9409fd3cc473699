import type { Refusals } from "../../auth/refusals.ts";
import type { Peer, PeerBackend } from "../../peer/peer.ts";
import type { Clock } from "../../timing/clock.ts";
import type { ChangeNote } from "../../wire/change_note.ts";
import type { Hello } from "../../wire/hello.ts";
import type { ReportQuestion } from "../../wire/report_question.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { Admission } from "./door.ts";

/** A channel that is served. */
export interface ServedChannel {
  /** Tells the client to send its keys elsewhere, and ends the channel soon. */
  goAway(): void;
}

/** What the endpoints of the peer protocol need from the cache. */
export interface EndpointHost {
  readonly clock: Clock;
  /** The largest value that may be sent or received, in bytes. */
  readonly maxValueBytes: number;
  readonly changes: ChangeReceiver;
  /** Where requests without a valid proof are reported. */
  readonly refusals: Refusals;
  /** Bounds the bodies of requests that are being received. */
  readonly received: ByteBudget;
  /** Bounds the large values that are being sent. */
  readonly sent: ByteBudget;
  /** The channels that are open. */
  readonly channels: Set<ServedChannel>;
  /** Throws once the cache is closed. */
  checkOpen(): void;
  /** The group of a name, if there is one. Throws once the cache is closed. */
  group(name: string): PeerBackend | undefined;
  /** The peer with a URL, if there is one. */
  peer(url: string): Peer | undefined;
  /** Answers a hello. */
  greet(hello: Hello, sender: Admission): Promise<Hello>;
  /** Whether a peer is leaving, by its own word. */
  isLeaving(peer: Peer): Promise<boolean>;
  /** Answers what this process counts, or where it has a key, with a JSON value. */
  report(question: ReportQuestion): unknown;
}

/** What changes of peers are reported to. It drops the keys from the groups. */
export interface ChangeReceiver {
  /** The latest time heard of. */
  readonly time: number;
  /** Drops a key that a peer has changed. */
  receive(group: string, key: string, note: ChangeNote): void;
  /** As `receive`. Returns whether the value that the peer sets is to be stored. */
  receiveValue(group: string, key: string, note: ChangeNote): "yes" | "no" | "stale";
  /** Drops a key that was changed by a process that stamps no changes, such as a Go peer. */
  receiveUnstamped(group: string, key: string): void;
}

/** A request to be answered. */
export interface Call {
  readonly request: Request;
  /** The second argument of the server's fetch function. */
  readonly info: unknown;
  /** What is known of the sender. */
  readonly admission: Admission;
  readonly host: EndpointHost;
}

/** A request to drop keys of a group that this process may lack. */
export interface RemovalCall extends Call {
  /** The name of the group. */
  readonly name: string;
  readonly key: string;
}

/** A request about a group, and, unless it is posted, about one of its keys. */
export interface GroupCall extends RemovalCall {
  readonly group: PeerBackend;
}

/** Answers requests. What it throws becomes an error reply. */
export type Endpoint<Kind extends Call> = (call: Kind) => Response | Promise<Response>;

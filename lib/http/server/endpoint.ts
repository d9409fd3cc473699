import type { Refusals } from "../../auth/refusals.ts";
import type { Peer, PeerBackend } from "../../peer/peer.ts";
import type { Tracer } from "../../tracer.ts";
import type { Clock } from "../../timing/clock.ts";
import type { ChangeNote } from "../../wire/change_note.ts";
import type { Hello } from "../../wire/hello.ts";
import type { ReportQuestion } from "../../wire/report_question.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { Pace } from "./pace.ts";
import type { SmallBodies } from "./small_bodies.ts";
import type { Admission } from "./door.ts";

/** A channel that this process serves. */
export interface ServedChannel {
  /** Tells the client to send its keys elsewhere, and ends the channel soon. */
  goAway(): void;
}

/** What the endpoints of the peer protocol need from the cache. */
export interface EndpointHost {
  readonly clock: Clock;
  /** Makes the spans of loads. */
  readonly tracer?: Tracer | undefined;
  /** The largest value that may be sent or received, in bytes. */
  readonly maxValueBytes: number;
  readonly changes: ChangeReceiver;
  /**
   * Confirms the time of a change that anybody may have sent, if it is far ahead; otherwise returns
   * undefined. Rejects if no peer confirms it.
   */
  confirmTime(time: number, origin: string): Promise<void> | undefined;
  /** Reports requests without a valid proof. */
  readonly refusals: Refusals;
  /** Bounds the bodies being received. */
  readonly received: ByteBudget;
  /** Receives small bodies. */
  readonly small: SmallBodies;
  /** Bounds the large values being sent. */
  readonly sent: ByteBudget;
  /** Decides when their pieces are sent. */
  readonly pace: Pace;
  /** Whether peers prove who they are, and changes are taken from nobody else. */
  readonly authenticates: boolean;
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
  /** Whether a peer has said that it is leaving. */
  isLeaving(peer: Peer): Promise<boolean>;
  /** Reports the counters of this process, or the state of a key, as a JSON value. */
  report(question: ReportQuestion): unknown;
}

/** Applies the changes of peers, by dropping their keys. */
export interface ChangeReceiver {
  /** The latest known time. */
  readonly time: number;
  /** How much this process has heard of, for peers to repeat when they set a value. */
  readonly mark: string;
  /** Drops a key that a peer has changed. */
  receive(group: string, key: string, note: ChangeNote): void;
  /** As `receive`. Returns whether to store the value that the peer sets. */
  receiveValue(group: string, key: string, note: ChangeNote): "yes" | "no" | "stale";
  /** Drops a key that was changed by a process without stamps, such as a Go peer. */
  receiveUnstamped(group: string, key: string): void;
}

/** A request to be answered. */
export interface Call {
  readonly request: Request;
  /** The second argument of the server's fetch function. */
  readonly info: unknown;
  /** The result of authenticating the sender. */
  readonly admission: Admission;
  readonly host: EndpointHost;
}

/** A request to drop keys of a group, which this process may lack. */
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

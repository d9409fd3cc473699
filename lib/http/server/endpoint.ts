import type { Peer, PeerBackend } from "../../peer/peer.ts";
import type { Clock } from "../../timing/clock.ts";
import type { Hello } from "../../wire/hello.ts";
import type { ReportQuestion } from "../../wire/report_question.ts";

/** What the endpoints of the peer protocol need from the cache. */
export interface EndpointHost {
  readonly clock: Clock;
  /** The largest value that may be sent or received, in bytes. */
  readonly maxValueBytes: number;
  /** The group of a name, if there is one. Throws once the cache is closed. */
  group(name: string): PeerBackend | undefined;
  /** The peer with a URL, if there is one. */
  peer(url: string): Peer | undefined;
  /** Answers a hello. */
  greet(hello: Hello): Hello;
  /** Answers what this process counts, or where it has a key, with a JSON value. */
  report(question: ReportQuestion): unknown;
}

/** A request to be answered. */
export interface Call {
  readonly request: Request;
  /** The second argument of the server's fetch function. */
  readonly info: unknown;
  readonly host: EndpointHost;
}

/** A request about a group, and, unless it is posted, about one of its keys. */
export interface GroupCall extends Call {
  readonly group: PeerBackend;
  readonly key: string;
}

/** Answers requests. What it throws becomes an error reply. */
export type Endpoint<Kind extends Call> = (call: Kind) => Response | Promise<Response>;

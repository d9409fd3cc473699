import { quote } from "../errors.ts";

/**
 * Brings a list into the form that all processes share: base URLs without a trailing slash, each origin
 * once, sorted.
 *
 * @throws {TypeError} If an item is not a base URL.
 */
export function normalise(peers: readonly string[]): string[] {
  if (!Array.isArray(peers)) {
    throw new TypeError(`expected an array of URLs: received ${typeof peers}`);
  }
  const byOrigin = new Map<string, string>();
  for (const peer of peers.map(checkUrl).sort()) {
    const { origin } = new URL(peer);
    if (!byOrigin.has(origin)) byOrigin.set(origin, peer);
  }
  return [...byOrigin.values()];
}

/** Builds a base URL from an address or a host name. It is invalid if one of the parts is. */
export function baseUrl(
  protocol: Protocol,
  host: string | undefined,
  port: number | undefined,
): string {
  // Without a host the URL is invalid; "undefined" would be a host name.
  return `${protocol}://${host?.includes(":") ? `[${host}]` : host ?? ""}:${port}`;
}

/**
 * Returns the base URLs among `peers` and reports the others, so that one bad entry does not block the
 * rest.
 *
 * @throws {TypeError} If there are only others.
 */
export function validPeers(
  peers: readonly unknown[],
  report: (error: TypeError) => void,
): string[] {
  const valid = peers.filter(isPeer);
  if (valid.length === peers.length) return valid;
  const error = invalidPeers(peers.filter((peer) => !isPeer(peer)));
  if (valid.length === 0) throw error;
  report(error);
  return valid;
}

/** The protocols that peers can use. */
export type Protocol = "http" | "https";

/** Whether this is the base URL of a process. */
function isPeer(peer: unknown): peer is string {
  if (typeof peer !== "string" || !URL.canParse(peer)) return false;
  const { href, origin, port } = new URL(peer);
  // Without a path: "http://a:1/" is the same peer as "http://a:1". Port 0 cannot be connected to.
  return href === `${origin}/` && /^https?:/.test(href) && port !== "0";
}

/** How many invalid entries of a list an error quotes. */
const MAX_QUOTED = 5;

/** The error for entries that are not base URLs. */
function invalidPeers(received: readonly unknown[]): TypeError {
  const quoted = received.slice(0, MAX_QUOTED)
    .map((peer) => typeof peer === "string" ? quote(peer) : JSON.stringify(peer));
  const rest = received.length - quoted.length;
  return new TypeError(
    `expected base URLs such as "http://10.0.0.1:8080": received ${quoted.join(", ")}` +
      (rest > 0 ? ` and ${rest} more` : ""),
  );
}

function checkUrl(peer: unknown): string {
  if (isPeer(peer)) return peer.replace(/\/$/, "");
  throw invalidPeers([peer]);
}

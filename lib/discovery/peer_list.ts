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

/** Builds a base URL from an address or a host name. */
export function baseUrl(protocol: Protocol, host: string, port: number): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The protocols that peers can use. */
export type Protocol = "http" | "https";

/** Whether this is the base URL of a process. */
export function isPeer(peer: unknown): peer is string {
  if (typeof peer !== "string" || !URL.canParse(peer)) return false;
  const { href, origin } = new URL(peer);
  // Without a path: "http://a:1/" is the same peer as "http://a:1".
  return href === `${origin}/` && /^https?:/.test(href);
}

/** What is wrong with what is no base URL. */
export function noPeers(received: readonly unknown[]): TypeError {
  const what = received.map((peer) => JSON.stringify(peer)).join(", ");
  return new TypeError(`expected base URLs as "http://10.0.0.1:8080": received ${what}`);
}

function checkUrl(peer: unknown): string {
  if (isPeer(peer)) return peer.replace(/\/$/, "");
  throw noPeers([peer]);
}

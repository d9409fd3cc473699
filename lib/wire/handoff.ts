/** An offer of keys to the peer that is about to own them. */
export interface Handoff {
  /** The base URL of the process that holds their values. */
  readonly from: string;
  /** The keys. */
  readonly keys: readonly string[];
}

/** Encodes an offer. */
export function encodeHandoff(offer: Handoff): string {
  return JSON.stringify(offer);
}

/**
 * Decodes an offer.
 *
 * @throws {TypeError} If the JSON is invalid or lacks a member.
 */
export function decodeHandoff(json: string): Handoff {
  let offer: Partial<Record<keyof Handoff, unknown>>;
  try {
    offer = Object(JSON.parse(json));
  } catch {
    offer = {};
  }
  const { from, keys } = offer;
  if (typeof from === "string" && Array.isArray(keys)) return { from, keys };
  throw new TypeError('expected JSON as {"from": "…", "keys": ["…"]}');
}

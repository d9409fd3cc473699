/** Keys that a process hands over, as it says so to the one that owns them next. */
export interface Offer {
  /** How to reach the process. */
  readonly from: string;
  readonly keys: readonly string[];
}

export function encodeOffer(offer: Offer): string {
  return JSON.stringify(offer);
}

/** @throws {TypeError} If it is none. */
export function decodeOffer(json: string): Offer {
  let offer: Partial<Record<keyof Offer, unknown>>;
  try {
    offer = Object(JSON.parse(json));
  } catch {
    offer = {};
  }
  const { from, keys } = offer;
  if (typeof from === "string" && Array.isArray(keys)) return { from, keys };
  throw new TypeError('expected JSON as {"from": "…", "keys": ["…"]}');
}

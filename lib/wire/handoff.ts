/** Keys that a process hands over, as it says so to the one that owns them next. */
export interface Handoff {
  /** How to reach the process. */
  readonly from: string;
  readonly keys: readonly string[];
}

export function encodeHandoff(offer: Handoff): string {
  return JSON.stringify(offer);
}

/** @throws {TypeError} If it is none. */
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

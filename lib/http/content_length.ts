/**
 * Returns the length that a message declares, in bytes; undefined if it declares none, or nothing that is
 * one: `Number` takes `1e3`, `0x10` and a blank for numbers too.
 */
export function contentLengthOf(headers: Headers): number | undefined {
  const header = headers.get("content-length");
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}

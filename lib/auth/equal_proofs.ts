/**
 * Whether a proof that was received is the expected one, in a time that does not tell how much of
 * it is right. Its length is no secret.
 */
export function equalProofs(received: string, expected: string): boolean {
  if (received.length !== expected.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference |= received.charCodeAt(i) ^ expected.charCodeAt(i);
  }
  return difference === 0;
}

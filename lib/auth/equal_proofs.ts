/**
 * Compares a received proof with the expected one, in constant time for proofs of the same length. The
 * length is not secret.
 */
export function equalProofs(received: string, expected: string): boolean {
  if (received.length !== expected.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference |= received.charCodeAt(i) ^ expected.charCodeAt(i);
  }
  return difference === 0;
}

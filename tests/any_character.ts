import fc from "fast-check";

/** Any character, as a `unit` of `fc.string`. fast-check's own "binary" takes a second to set up. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(fc.nat({ max: 0x7f }), fc.nat({ max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
  .filter((text) => text.isWellFormed());

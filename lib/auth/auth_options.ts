import { quote } from "../errors.ts";

/** How the processes of a cluster prove to each other that they belong to it. */
export interface AuthOptions {
  /**
   * What all processes know and nobody else does: the current secret, then the previous ones, each
   * of at least 16 bytes. `openssl rand -base64 32` makes one. A function is called again every
   * 30 seconds while there is traffic, for secrets in files that rotate; if it fails, the secrets of
   * before stay.
   *
   * Requests are signed with the first, and accepted with any. So to change the secret without a
   * gap, roll out `[old, new]`, then `[new, old]`, then `[new]`.
   */
  secrets: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /**
   * `"require"` refuses requests and replies without a proof. `"send"` proves this process to
   * others, but takes requests and replies without proof too, and reports them: roll that out first.
   *
   * @default "require"
   */
  mode?: "send" | "require";
}

/** Shorter secrets can be guessed. */
const MIN_SECRET_BYTES = 16;

/**
 * Checks options that came in.
 *
 * @throws {TypeError} If one is not of its type.
 * @throws {RangeError} If there is no secret, or one is too short.
 */
export function checkAuthOptions(auth: AuthOptions): Required<AuthOptions> {
  if (typeof auth !== "object" || auth === null) {
    throw new TypeError(
      `Cannot create GroupCache: auth must be an object: received ${quote(auth)}`,
    );
  }
  const { secrets, mode = "require" } = auth;
  if (mode !== "send" && mode !== "require") {
    throw new TypeError(
      `Cannot create GroupCache: auth.mode must be "send" or "require": received ${quote(mode)}`,
    );
  }
  if (typeof secrets === "function") return { secrets, mode };
  return { secrets: checkSecrets(secrets), mode };
}

/**
 * Checks secrets. A message about them never holds one.
 *
 * @throws {TypeError} If they are not an array of strings.
 * @throws {RangeError} If there is none, or one is too short.
 */
export function checkSecrets(secrets: readonly string[]): readonly string[] {
  if (!Array.isArray(secrets) || !secrets.every((secret) => typeof secret === "string")) {
    throw new TypeError("Cannot use auth.secrets: expected an array of strings");
  }
  if (secrets.length === 0) {
    throw new RangeError("Cannot use auth.secrets: expected at least one secret: received none");
  }
  const sizes = secrets.map((secret) => new TextEncoder().encode(secret).byteLength);
  const least = Math.min(...sizes);
  if (least < MIN_SECRET_BYTES) {
    throw new RangeError(
      `Cannot use auth.secrets: expected at least ${MIN_SECRET_BYTES} bytes each: received one ` +
        `of ${least}`,
    );
  }
  return [...secrets];
}

import { quote } from "../errors.ts";

/**
 * Options for authenticating the processes of a cluster to each other.
 *
 * @example
 * ```ts
 * import { type AuthOptions, GroupCache } from "@groupcache/groupcache";
 *
 * const auth: AuthOptions = {
 *   secrets: () => ["the output of: openssl rand -base64 32"],
 *   mode: "send", // Until all processes have the secret; then "require".
 * };
 * await using _cache = new GroupCache({ self: "http://10.0.0.1:8080", auth });
 * ```
 */
export interface AuthOptions {
  /**
   * The secrets that all processes share: the current one, then previous ones, each of at least 16
   * bytes, as `openssl rand -base64 32` generates. A function is called again every 30 seconds while
   * there is traffic, for secrets in files that rotate; if it fails, the previous secrets remain valid.
   *
   * Requests are signed with the first secret and accepted with any. To change the secret without
   * interruption, roll out `[old, new]`, then `[new, old]`, then `[new]`.
   */
  secrets: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /**
   * `"require"` rejects requests and replies without a proof. `"send"` authenticates this process to
   * others but accepts requests and replies without a proof, and reports them: roll this out first.
   *
   * @default "require"
   */
  mode?: "send" | "require";
}

/** The shortest secret, in bytes: shorter ones can be guessed. */
const MIN_SECRET_BYTES = 16;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} If an option has the wrong type.
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
 * Checks secrets. Error messages never contain one.
 *
 * @throws {TypeError} If they are not an array of strings.
 * @throws {RangeError} If there is no secret, or one is too short.
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

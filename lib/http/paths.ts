/**
 * The longest path of a key. Servers bound the request line: Bun at 16 KiB, proxies commonly at 8
 * KiB.
 */
const MAX_PATH_LENGTH = 4096;

/** Characters that clients have to escape. */
const NO_URL = /[^!-~]/;

/** The path of channels below the base path. It cannot be a key, because those follow a slash. */
export const CHANNEL_PATH = "_channel/";

/** What a request path names. */
export interface Target {
  group: string;
  key: string;
  /** The key as written in the path; in a POST, the name of the endpoint. */
  rawKey: string;
}

/** The path of a key below a peer's base URL. */
export function keyPath(basePath: string, group: string, key: string): string {
  return `${basePath}${encodeURIComponent(group)}/${encodeURIComponent(key)}`;
}

/** The path of an endpoint of a group, as `_remove-keys/`. */
export function endpointPath(basePath: string, group: string, endpoint: string): string {
  return `${basePath}${encodeURIComponent(group)}/${endpoint}`;
}

/**
 * Whether a request with this method and path only reads. Sender and receiver both use this: one proof is
 * valid for all such requests. A channel carries changes, too.
 */
export function onlyReads(method: string, path: string): boolean {
  return method === "GET" || method === "POST" && path.endsWith("/_get-keys/");
}

/** Whether URL parsers treat the key as a step in the path, even if it is escaped. */
export function isPathStep(key: string): boolean {
  return key === "." || key === "..";
}

/** Replaces a key that does not fit a path, if the body contains the key as well. */
export const ANY_KEY: string = "-";

/** Whether a key arrives unchanged when it is sent as `path`. */
export function fitsPath(path: string, key: string): boolean {
  return path.length <= MAX_PATH_LENGTH && !isPathStep(key);
}

/**
 * Parses a path that begins with `basePath`.
 *
 * @throws {TypeError} If it holds no group and key, or escapes that are not UTF-8.
 */
export function parseTarget(path: string, basePath: string, plusIsSpace: boolean): Target {
  const rest = path.slice(basePath.length);
  const slash = rest.indexOf("/");
  if (slash < 0) throw new TypeError("expected a group and a key in the path");
  const group = unescape(rest.slice(0, slash), plusIsSpace);
  const rawKey = rest.slice(slash + 1);
  return { group, key: unescape(rawKey, plusIsSpace), rawKey };
}

/** The path of an absolute URL as `Request.url` gives it: normalized, without query or fragment. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const query = url.indexOf("?", start);
  const fragment = url.indexOf("#", start);
  const end = query < 0 || fragment >= 0 && fragment < query ? fragment : query;
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

function unescape(text: string, plusIsSpace: boolean): string {
  // Deno passes on what was sent, decoded as Latin-1: it would name another key.
  if (NO_URL.test(text)) throw new TypeError("expected a path of ASCII, all else escaped");
  try {
    return decodeURIComponent(plusIsSpace ? text.replaceAll("+", " ") : text);
  } catch {
    throw new TypeError("expected escapes in the path to be UTF-8");
  }
}

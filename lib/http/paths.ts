/**
 * The longest path that a key may make. Servers bound the request line: Bun at 16 KiB, proxies
 * commonly at 8.
 */
const MAX_PATH_LENGTH = 4096;

/** What keys that travel in bodies are wanted for. The names stand behind a group's path. */
export type KeyList = "_get-keys/" | "_remove-keys/" | "_handoff-keys/";

const KEY_LISTS: readonly KeyList[] = ["_get-keys/", "_remove-keys/", "_handoff-keys/"];

/** What a request path names. */
export interface Target {
  group: string;
  key: string;
  /** If the path is posted to: what the keys in the body are wanted for. */
  keyList: KeyList | undefined;
}

/** The path of a key below a peer's base URL. */
export function keyPath(basePath: string, group: string, key: string): string {
  return `${basePath}${encodeURIComponent(group)}/${encodeURIComponent(key)}`;
}

/** The path to which a list of keys is posted. */
export function keyListPath(basePath: string, group: string, list: KeyList): string {
  return `${basePath}${encodeURIComponent(group)}/${list}`;
}

/** Whether URL parsers take the key for a step in the path, even when it is escaped. */
export function isPathStep(key: string): boolean {
  return key === "." || key === "..";
}

/** Whether a key arrives as it left when it is sent as `path`. */
export function fitsPath(path: string, key: string): boolean {
  return path.length <= MAX_PATH_LENGTH && !isPathStep(key);
}

/**
 * What `path`, which begins with `basePath`, names.
 *
 * @throws {TypeError} If it names no group and key, or holds escapes that are not UTF-8.
 */
export function parseTarget(path: string, basePath: string, plusIsSpace: boolean): Target {
  const rest = path.slice(basePath.length);
  const slash = rest.indexOf("/");
  if (slash < 0) throw new TypeError("expected a group and a key in the path");
  const group = unescape(rest.slice(0, slash), plusIsSpace);
  const key = rest.slice(slash + 1);
  // The slash of a key of such a name would be escaped.
  const keyList = KEY_LISTS.find((list) => list === key);
  return { group, key: unescape(key, plusIsSpace), keyList };
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
  try {
    return decodeURIComponent(plusIsSpace ? text.replaceAll("+", " ") : text);
  } catch {
    throw new TypeError("expected escapes in the path to be UTF-8");
  }
}

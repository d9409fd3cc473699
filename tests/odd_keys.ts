/** A key that URLs, parsers or encodings tend to mangle. */
export interface OddKey {
  readonly name: string;
  readonly key: string;
}

/** The size of the largest key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 64 << 10;

/** Odd keys that fit into a path. */
export const PATH_KEYS: readonly OddKey[] = [
  { name: "a plain key", key: "plain" },
  { name: "an escaped dot", key: "%2e" },
  { name: "two escaped dots", key: "%2E%2e" },
  { name: "a dot and an escaped dot", key: ".%2e" },
  { name: "three dots", key: "..." },
  { name: "a step and a slash", key: "./" },
  { name: "two steps up", key: "../.." },
  { name: "steps within", key: "./a/../b" },
  { name: "a slash", key: "/" },
  { name: "two slashes", key: "//" },
  { name: "a slash within", key: "a/b" },
  { name: "two slashes within", key: "a//b" },
  { name: "a leading slash", key: "/a" },
  { name: "a trailing slash", key: "a/" },
  { name: "an escaped slash", key: "%2F" },
  { name: "a backslash", key: "\\" },
  { name: "steps with backslashes", key: "\\..\\" },
  { name: "a space", key: " " },
  { name: "a space within", key: "a b" },
  { name: "a plus within", key: "a+b" },
  { name: "pluses and a space", key: "+ +" },
  { name: "a percent sign", key: "%" },
  { name: "an invalid escape", key: "%zz" },
  { name: "a query and a fragment", key: "?x=1&y#z" },
  { name: "a fragment", key: "#" },
  { name: "a user and a host", key: "a:b@c" },
  { name: "a URL", key: "http://u:p@127.0.0.1:80/?a=b&c=d;e#f" },
  { name: "quotes and brackets", key: "'\"`<>|^{}[]" },
  { name: "an accent", key: "é" },
  { name: "a combining accent", key: "e\u0301" },
  { name: "an emoji", key: "😀" },
  { name: "joined emoji", key: "👩‍👩‍👧" },
  { name: "NUL", key: "\0" },
  { name: "NUL within", key: "a\0b" },
  { name: "a tab", key: "\t" },
  { name: "a line break", key: "\r\n" },
  { name: "control characters", key: "\r\n\t\x7f" },
  { name: "a byte order mark", key: "\ufeff" },
  { name: "a byte order mark and a letter", key: "\ufeffa" },
  { name: "a property of every object", key: "__proto__" },
  { name: "an endpoint of our protocol", key: "_get-keys/" },
  { name: "an endpoint of Go's protocol", key: "_remove-keys/" },
];

/** Odd keys, and those that travel in a body: path steps and keys too long for a request line. */
export const ODD_KEYS: readonly OddKey[] = [
  { name: "a dot", key: "." },
  { name: "two dots", key: ".." },
  ...PATH_KEYS,
  { name: "the largest key, of ASCII", key: "x".repeat(MAX_KEY_BYTES) },
  { name: "the largest key, of two-byte characters", key: "é".repeat(MAX_KEY_BYTES / 2) },
];

import { assert, assertEquals } from "@std/assert";
import { parseReplyAuth, parseRequestAuth } from "../../../lib/auth/auth_header.ts";
import { fitsPath, keyPath, parseTarget, pathOf } from "../../../lib/http/paths.ts";
import { ODD_KEYS } from "../../odd_keys.ts";
import { mutateText } from "../mutate.ts";
import type { Random } from "../random.ts";
import { expectOnly, type FuzzTarget } from "../target.ts";

const BASE = "/_groupcache/";

const URLS = [
  `http://10.0.0.1:8080${BASE}users/42`,
  `http://10.0.0.1:8080${BASE}users/a%2Fb%20c%2B?x=1#y`,
  `http://10.0.0.1:8080${BASE}users/_get-keys/`,
  `https://[fd00::1]${BASE}%C3%A9/%F0%9F%98%80`,
];

const AUTH_HEADERS = [
  "5d9f.a1b2",
  "5d9f.a1b2.challenge.cHJvb2Y",
  "5d9f.a1b2.challenge.17.ZGlnZXN0.cHJvb2Y",
  "challenge.cHJvb2Y",
];

/** Paths and headers: a TypeError, or a key that arrives as it left. */
export const paths: FuzzTarget = {
  name: "paths",
  weight: 25,
  run(random) {
    random.pick([parseAnyUrl, sendAnyKey, parseAnyHeader])(random);
  },
};

function parseAnyUrl(random: Random): void {
  const text = mutateText(random.pick(URLS), random).toWellFormed();
  // As servers hand it over, and as Deno does with a Host that it has not checked.
  if (!/^https?:\/\//.test(text)) return;
  const url = URL.canParse(text) && random.oneIn(2) ? new URL(text).href : text;
  const path = pathOf(url);
  assert(path.startsWith("/"), JSON.stringify([url, path]));
  assert(!/[?#]/.test(path), JSON.stringify([url, path]));
  if (!path.startsWith(BASE)) return;
  const target = expectOnly(TypeError, () => parseTarget(path, BASE, random.oneIn(2)));
  if (target !== undefined) assert(target.group.isWellFormed() && target.key.isWellFormed());
}

function sendAnyKey(random: Random): void {
  const key = mutateText(random.pick(ODD_KEYS).key, random).toWellFormed();
  const group = mutateText("users", random).toWellFormed().replaceAll("/", "");
  if (key === "" || group === "" || group === "." || group === "..") return;
  const path = keyPath(BASE, group, key);
  if (!fitsPath(path, key)) return;
  const url = new URL(`http://10.0.0.1:8080${path}`).href;
  const { group: arrivedGroup, key: arrivedKey } = parseTarget(pathOf(url), BASE, random.oneIn(2));
  assertEquals([arrivedGroup, arrivedKey], [group, key]);
}

function parseAnyHeader(random: Random): void {
  const header = mutateText(random.pick(AUTH_HEADERS), random);
  parseRequestAuth(header);
  parseReplyAuth(header);
}

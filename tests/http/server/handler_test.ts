import { assert, assertEquals } from "@std/assert";
import type { GroupCacheErrorCode } from "../../../lib/errors.ts";
import { encodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { test } from "../../runtime.ts";
import { Endless } from "../endless.ts";
import {
  assertFailure,
  BASE,
  LONG,
  MAX_VALUE_BYTES,
  type RequestOptions,
  setRequest,
  Setup,
} from "./setup.ts";

const REQUESTS: { url: string; isOurs: boolean }[] = [
  { url: "http://peer:8080/_groupcache/group/key", isOurs: true },
  { url: "http://peer:8080/_groupcache/", isOurs: true },
  { url: "http://peer:8080/_groupcache", isOurs: false },
  { url: "http://peer:8080/", isOurs: false },
  { url: "http://peer:8080/pages/_groupcache/group/key", isOurs: false },
  { url: "http://peer:8080/?/_groupcache/group/key", isOurs: false },
];

for (const { url, isOurs } of REQUESTS) {
  test(`PeerHandler is ${isOurs ? "" : "not "}for ${url}`, () => {
    assertEquals(new Setup().handler.handle(new Request(url), undefined) !== undefined, isOurs);
  });
}

interface BadRequest {
  name: string;
  path: string;
  options?: RequestOptions;
  status: number;
  code: GroupCacheErrorCode;
}

const BAD_REQUESTS: BadRequest[] = [
  { name: "GET of no group", path: "/_groupcache/", status: 400, code: "bad-key" },
  { name: "GET of no key", path: "/_groupcache/group", status: 400, code: "bad-key" },
  { name: "GET of an empty key", path: "/_groupcache/group/", status: 400, code: "bad-key" },
  { name: "GET of a bad escape", path: "/_groupcache/group/%zz", status: 400, code: "bad-key" },
  { name: "GET of no UTF-8", path: "/_groupcache/group/%ff", status: 400, code: "bad-key" },
  { name: "GET of a long key", path: `/_groupcache/group/${LONG}`, status: 400, code: "bad-key" },
  { name: "GET of an unknown group", path: "/_groupcache/x/key", status: 421, code: "peer-failed" },
  { name: "GET of no name", path: "/_groupcache//key", status: 421, code: "peer-failed" },
  { name: "GET of a closed cache", path: "/_groupcache/closed/key", status: 421, code: "closed" },
  {
    name: "DELETE of an empty key",
    path: "/_groupcache/group/",
    options: { method: "DELETE" },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of noise",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: Uint8Array.of(255, 254, 253) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of nothing",
    path: "/_groupcache/group/key",
    options: { method: "PUT" },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of an empty key",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: setRequest("", "value") },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of a key that is too long",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: setRequest(LONG, "value") },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of noise for keys",
    path: "/_groupcache/group/_get-keys/",
    options: { method: "POST", body: Uint8Array.of(10, 200) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys",
    path: "/_groupcache/group/_get-keys/",
    options: { method: "POST", body: encodeGetKeysRequest(new Array(10_001).fill("k")) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys to drop",
    path: "/_groupcache/group/_remove-keys/",
    options: { method: "POST", body: JSON.stringify({ keys: new Array(10_001).fill("k") }) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys to take over",
    path: "/_groupcache/group/_handoff-keys/",
    options: {
      method: "POST",
      body: JSON.stringify({ from: "http://giver:1", keys: new Array(10_001).fill("k") }),
    },
    status: 400,
    code: "bad-key",
  },
];

for (const { name, path, options, status, code } of BAD_REQUESTS) {
  test(`PeerHandler replies ${status} to a ${name}, and does nothing`, async () => {
    const setup = new Setup();
    const response = await setup.send(path, options);
    assertFailure(response, status, code);
    const why = await response.text();
    assert(why.length > 0 && !why.includes("    at "), why);
    assertEquals(setup.group.loads, []);
    assertEquals(setup.group.dropped, []);
    assertEquals(setup.group.values.size, 0);
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

const BAD_METHODS: { method: string; path: string }[] = [
  { method: "HEAD", path: "/_groupcache/group/key" },
  { method: "OPTIONS", path: "/_groupcache/group/key" },
  { method: "PATCH", path: "/_groupcache/group/key" },
  { method: "POST", path: "/_groupcache/group/key" },
  { method: "POST", path: "/_groupcache/group/_get-keys%2F" },
  { method: "POST", path: "/_groupcache/group/_get-keys" },
];

for (const { method, path } of BAD_METHODS) {
  test(`PeerHandler replies 405 to ${method} ${path}`, async () => {
    const setup = new Setup();
    const response = await setup.send(path, { method });
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "GET, PUT, DELETE, POST");
    assertEquals(response.headers.get("groupcache-version"), "1");
    assertEquals(setup.group.loads, []);
  });
}

test("PeerHandler reads a plus as the peers of its ring write it", async () => {
  for (const plusIsSpace of [false, true]) {
    const setup = new Setup({ plusIsSpace });
    await setup.send("/_groupcache/group/a+b%2Bc", { method: "DELETE" });
    assertEquals(setup.group.dropped, [plusIsSpace ? "a b+c" : "a+b+c"]);
  }
});

const TAKERS: { method: string; path: string; maxBytes: number }[] = [
  { method: "PUT", path: "/_groupcache/group/key", maxBytes: MAX_VALUE_BYTES + 256 * 1024 },
  { method: "POST", path: "/_groupcache/group/_get-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: "/_groupcache/group/_remove-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: "/_groupcache/group/_handoff-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: BASE, maxBytes: 1 << 20 },
];

for (const { method, path, maxBytes } of TAKERS) {
  test(`${method} ${path} refuses a body whose announced length is too large, without reading it`, async () => {
    const setup = new Setup();
    const body = new Endless();
    const headers = { "content-length": String(maxBytes + 1) };
    const request = { method, headers, body: body.stream, duplex: "half" } as const;
    const response = await setup.send(path, request);
    assertFailure(response, 413, "too-large");
    const why = await response.text();
    assert(why.includes(`may have ${maxBytes} bytes: received ${maxBytes + 1} bytes`), why);
    assertEquals(body.taken, 0);
  });

  test(`${method} ${path} reads no more of a body without a length than its bound`, async () => {
    const setup = new Setup();
    const body = new Endless();
    const response = await setup.send(path, { method, body: body.stream, duplex: "half" });
    assertFailure(response, 413, "too-large");
    const why = await response.text();
    assert(why.includes(`may have ${maxBytes} bytes: received ${body.taken} bytes`), why);
    assert(body.taken > maxBytes && body.taken <= maxBytes + 65_536, `${body.taken}`);
    assert(body.isCancelled);
    assertEquals(setup.group.values.size, 0);
  });

  test(`${method} ${path} accepts a body of exactly its bound`, async () => {
    const response = await new Setup().send(path, { method, body: new Uint8Array(maxBytes) });
    assertFailure(response, 400, "bad-key");
  });
}

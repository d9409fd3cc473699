import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import { GroupCache } from "../../../mod.ts";
import type { EndpointHost } from "../../../lib/http/server/endpoint.ts";
import { ByteBudget } from "../../../lib/http/server/byte_budget.ts";
import { readBody } from "../../../lib/http/server/request_body.ts";
import { SmallBodies } from "../../../lib/http/server/small_bodies.ts";
import { encodeSetRequest } from "../../../lib/wire/set_request.ts";
import { systemClock } from "../../../lib/timing/clock.ts";
import { ANYBODY } from "./open_door.ts";
import { serve, test } from "../../runtime.ts";

/** What a server answers to bytes that are no request as a client would make it. */
function answerTo(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let answer = "";
    socket.on("data", (chunk: Uint8Array) => {
      answer += new TextDecoder().decode(chunk);
      // The server may wait for the rest of the request.
      const [, length = "0"] = answer.match(/content-length: (\d+)/i) ?? [];
      const end = answer.indexOf("\r\n\r\n");
      if (end >= 0 && answer.length >= end + 4 + Number(length)) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

/** As `readBody` of a request of which nothing else is known. */
function read(
  request: Request,
  maxBytes: number,
  received = new ByteBudget(32 << 20, systemClock),
): Promise<Uint8Array> {
  const clock = systemClock;
  const small = new SmallBodies(8 << 20, clock);
  const host = { clock, received, small } as unknown as EndpointHost;
  return readBody({ request, info: undefined, host, admission: ANYBODY }, maxBytes);
}

/** A server that says how many bytes `readBody` takes of up to 10. */
function countingServer() {
  return serve(async (request) => {
    const body = await read(request, 10).then((body) => body.byteLength, ({ code }) => code);
    return new Response(`took ${body}`);
  });
}

const REQUESTS: { name: string; text: string; answer: string | undefined }[] = [
  { name: "a length", text: "content-length: 3\r\n\r\nabc", answer: "took 3" },
  { name: "the greatest length", text: "content-length: 10\r\n\r\n0123456789", answer: "took 10" },
  { name: "more than it says", text: "content-length: 3\r\n\r\nabcdefghijklm", answer: "took 3" },
  { name: "a length too great", text: "content-length: 11\r\n\r\n", answer: "took too-large" },
  {
    name: "a length of 100 MB",
    text: "content-length: 100000000\r\n\r\n",
    answer: "took too-large",
  },
  {
    name: "pieces",
    text: "transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
    answer: "took 10",
  },
  {
    name: "pieces of which there are too many",
    text: "transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n",
    answer: "took too-large",
  },
  // Both, which is how a length could lie: no runtime lets that through.
  {
    name: "pieces and a length",
    text: "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
    answer: undefined,
  },
];

for (const { name, text, answer } of REQUESTS) {
  test(`readBody() takes no more than it may of a body with ${name}`, async () => {
    await using server = countingServer();
    const request = `PUT / HTTP/1.1\r\nhost: peer\r\nconnection: close\r\n${text}`;
    const [head = "", body] = (await answerTo(server.url, request)).split("\r\n\r\n");
    if (answer === undefined) assert(head.startsWith("HTTP/1.1 400"), head);
    else assertEquals(body, answer);
  });
}

test("readBody() takes nothing for an empty body", async () => {
  assertEquals((await read(new Request("http://peer", { method: "PUT" }), 1)).byteLength, 0);
});

test("A process replies why it refuses a body while that is still being sent", async () => {
  await using cache = new GroupCache({ limits: { maxValueBytes: 1 << 20 } });
  cache.group("group", { maxBytes: 64 << 20, load: () => undefined });
  await using server = serve(cache.fetch);
  const value = new Uint8Array(32 << 20);
  const whole = encodeSetRequest({ group: "group", key: "key", value, expiresAtMs: Infinity });
  const pieces = new Blob([whole]).stream();
  for (const body of [whole, pieces]) {
    const init = { method: "PUT", body, duplex: "half" } as RequestInit;
    const response = await fetch(`${server.url}/_groupcache/group/key`, init);
    assertEquals([response.status, response.headers.get("groupcache-error")], [413, "too-large"]);
    assert((await response.text()).startsWith("Cannot accept the request: "));
  }
});

for (const length of ["x", "-1", "1e1", "0x1", "NaN", "Infinity", "1.5", ""]) {
  test(`readBody() ignores a content-length of ${JSON.stringify(length)}`, async () => {
    const received = new ByteBudget(1 << 20, systemClock);
    const send = (byteLength: number, headers: HeadersInit = {}) => {
      const body = new Uint8Array(byteLength);
      const request = new Request("http://peer/", { method: "POST", headers, body });
      return read(request, 200_000, received);
    };
    const headers = { "content-length": length };
    assertEquals((await send(100_000, headers)).byteLength, 100_000);
    // An invalid length neither lifts the bound nor takes room for good.
    const error = await send(300_000, headers).catch((error) => error);
    assertEquals(error.code, "too-large");
    assertEquals((await send(100_000)).byteLength, 100_000);
  });
}

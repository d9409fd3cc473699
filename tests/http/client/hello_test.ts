import { assertEquals } from "@std/assert";
import { dialectOf } from "../../../lib/http/dialect.ts";
import { decodeHello, encodeHello } from "../../../lib/wire/hello.ts";
import { test } from "../../runtime.ts";
import { HELLO, Setup, URL } from "./setup.ts";

test("HttpPeer.hello() gives the peer's own", async () => {
  const headers = { "groupcache-version": "1" };
  const setup = new Setup(({ body }) => {
    const { self } = decodeHello(new TextDecoder().decode(body));
    return new Response(encodeHello({ ...HELLO, peers: [self] }), { headers });
  });
  const theirs = await setup.peer.hello({ ...HELLO, self: "http://me:1" });
  assertEquals(theirs?.peers, ["http://me:1"]);
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    `POST ${URL}/_groupcache/`,
  ]);
});

test("HttpPeer.hello() takes whatever a Go peer answers for a sign of life, and nothing else", async () => {
  const refusal = () => new Response("bad request", { status: 400 });
  assertEquals(
    await new Setup(refusal, { dialect: dialectOf("golang") }).peer.hello(HELLO),
    undefined,
  );
  const error = await new Setup(refusal).peer.hello(HELLO).catch((error) => error);
  assertEquals(error.code, "peer-failed");
});

test("HttpPeer.hello() takes a refusal for a sign of life, unless the peer had to hear of changes", async () => {
  const headers = { "groupcache-version": "1", "groupcache-error": "peer-failed" };
  const { peer } = new Setup(() => new Response("not confirmed", { status: 421, headers }));
  assertEquals(await peer.hello(HELLO), undefined);
  const changes = {
    time: 1,
    list: "list",
    settledTime: 0,
    mark: "0-0",
    changes: [],
  };
  assertEquals(await peer.hello({ ...HELLO, changes }), undefined);
  const change = { group: "group", key: "key", stamp: { time: 1, origin: "1" } };
  for (
    const told of [{ ...changes, reset: { gaps: [{ origin: "1", size: 1 }], safe: [] } }, {
      ...changes,
      changes: [change],
    }]
  ) {
    const error = await peer.hello({ ...HELLO, changes: told }).catch((error) => error);
    assertEquals(error?.code, "peer-failed");
  }
});

import { assertEquals } from "@std/assert";
import { decodeHello, encodeHello } from "../../../lib/wire/hello.ts";
import { test } from "../../runtime.ts";
import { BASE, HELLO, Setup } from "./setup.ts";

test("PeerHandler answers a hello at the base path, whatever the groups say", async () => {
  const reply = await new Setup().send(BASE, {
    method: "POST",
    body: encodeHello({ ...HELLO, self: "http://other:8080" }),
  });
  assertEquals(reply.status, 200);
  assertEquals(reply.headers.get("groupcache-version"), "1");
  assertEquals(decodeHello(await reply.text()).peers, ["http://peer:8080", "http://other:8080"]);
});

for (const body of ["", "hello", "null", "[]", '{"instance":1}', '{"peers":[1]}']) {
  test(`PeerHandler refuses ${body || "nothing"} as a hello`, async () => {
    const reply = await new Setup().send(BASE, { method: "POST", body });
    assertEquals(reply.status, 400);
    assertEquals(reply.headers.get("groupcache-error"), "bad-key");
  });
}

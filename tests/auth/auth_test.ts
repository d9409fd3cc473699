import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Auth, type AuthContext } from "../../lib/auth/auth.ts";
import type { AuthOptions } from "../../lib/auth/auth_options.ts";
import { CHALLENGE_MS } from "../../lib/auth/challenges.ts";
import type { Credentials, SignedRequest } from "../../lib/auth/credentials.ts";
import type { Newcomers, ToProve, Verdict } from "../../lib/auth/gatekeeper.ts";
import { digestOf } from "../../lib/auth/signing_key.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";

const SECRET = "the secret of this cluster";
const A = "http://10.0.0.1:8080";
const B = "http://10.0.0.2:8080";
const READ: ToProve = { isRead: true, method: "GET", path: "/_groupcache/group/key", note: "" };
const CHANGE: ToProve = { isRead: false, method: "PUT", path: "/_groupcache/group/key", note: "" };

/** A process at an address. */
function process(
  self: string,
  secrets: AuthOptions["secrets"] = [SECRET],
  clock: VirtualClock = new VirtualClock(),
  context: Partial<AuthContext> = {},
): Auth {
  return new Auth({
    auth: { secrets },
    clock,
    instanceId: crypto.randomUUID(),
    origin: self,
    isServing: () => true,
    newcomers: () => ({ awaitedFrom: () => [], introduced: () => {} }),
    onError: () => {},
    ...context,
  });
}

/** A process at B, which counts who is introduced to it in place of the peer at A. */
function awaiting(secrets = [SECRET]): { receiver: Auth; introduced: string[] } {
  const introduced: string[] = [];
  const newcomers: Newcomers = {
    awaitedFrom: () => ["http://10.0.0.9:8080", `${A}/`],
    introduced: (url, instance) => introduced.push(`${instance} at ${url}`),
  };
  const receiver = process(B, secrets, new VirtualClock(), { newcomers: () => newcomers });
  return { receiver, introduced };
}

async function sign(credentials: Credentials, request: ToProve): Promise<SignedRequest> {
  return await (request.isRead
    ? credentials.forRead()
    : credentials.forChange({ ...request, body: "body" }));
}

/** Sends requests until the receiver takes one, as a client does: twice at most. */
async function send(
  credentials: Credentials,
  receiver: Auth,
  request: ToProve,
): Promise<{ verdict: Verdict; reply: string; signed: SignedRequest }> {
  for (let isRetry = false;; isRetry = true) {
    const signed = await sign(credentials, request);
    const verdict = await receiver.gatekeeper.judge(signed.header, request);
    const reply = credentials.judge(signed, verdict.replyAuth ?? null);
    if (reply !== "challenged" || isRetry) return { verdict, reply, signed };
  }
}

for (const request of [READ, CHANGE]) {
  const what = `a ${request.method}`;

  test(`Auth proves ${what} to the receiver and the receiver to the sender`, async () => {
    const receiver = process(B);
    const { verdict, reply } = await send(process(A).credentialsFor(B), receiver, request);
    const digest = request.isRead ? undefined : await digestOf("body");
    assertEquals(verdict.isProved && verdict.digest, digest);
    assertEquals(reply, "proved");
  });

  test(`Auth tells nothing to a caller without a secret, whatever it asks for by ${what}`, async () => {
    const receiver = process(B);
    const headers = [null, "", ".", "a.b", "a.b.c", "a.b.c.d", "a.b.c.1.e.f", "x".repeat(1 << 16)];
    for (const header of headers) {
      const verdict = await receiver.gatekeeper.judge(header, request);
      assert(!verdict.isProved && verdict.reason !== undefined);
      assertEquals(verdict.replyAuth, undefined);
    }
    const stranger = process(A, ["the secret of another cluster"]).credentialsFor(B);
    const { verdict } = await send(stranger, receiver, request);
    assert(!verdict.isProved && verdict.reason === "unknown-secret");
  });

  test(`Auth takes no proof of ${what} that was made for another receiver`, async () => {
    const sender = process(A);
    const [receiver, other] = [process(B), process("http://10.0.0.3:8080")];
    const { signed } = await send(sender.credentialsFor(B), receiver, request);
    const verdict = await other.gatekeeper.judge(signed.header, request);
    assert(!verdict.isProved && verdict.reason === "bad-proof");
  });

  test(`Auth takes no proof of ${what} from before the receiver restarted, but a new one`, async () => {
    const credentials = process(A).credentialsFor(B);
    const { signed } = await send(credentials, process(B), request);
    const restarted = process(B);
    assert(!(await restarted.gatekeeper.judge(signed.header, request)).isProved);
    assertEquals((await send(credentials, restarted, request)).reply, "proved");
  });

  test(`Auth takes no proof of ${what} that is older than two challenges, but a new one`, async () => {
    const clock = new VirtualClock();
    const receiver = process(B, [SECRET], clock);
    const credentials = process(A).credentialsFor(B);
    const { signed } = await send(credentials, receiver, request);
    await clock.advance(CHALLENGE_MS);
    assertEquals((await send(credentials, receiver, request)).reply, "proved");
    await clock.advance(CHALLENGE_MS);
    assert(!(await receiver.gatekeeper.judge(signed.header, request)).isProved);
    assertEquals((await send(credentials, receiver, request)).reply, "proved");
  });

  test(`Auth believes a reply to ${what} with which a new challenge comes, and uses that next`, async () => {
    const clock = new VirtualClock();
    const receiver = process(B, [SECRET], clock);
    const credentials = process(A).credentialsFor(B);
    await send(credentials, receiver, request);
    const signed = await sign(credentials, request);
    await clock.advance(CHALLENGE_MS);
    const { replyAuth } = await receiver.gatekeeper.judge(signed.header, request);
    assertEquals(credentials.judge(signed, replyAuth ?? null), "proved");
    const next = await sign(credentials, request);
    assertNotEquals(next.challenge, signed.challenge);
    assert((await receiver.gatekeeper.judge(next.header, request)).isProved);
  });

  test(`Auth does not believe a reply to ${what} from one who does not know the secret`, async () => {
    const credentials = process(A).credentialsFor(B);
    const { signed, verdict } = await send(credentials, process(B), request);
    const [challenge] = verdict.replyAuth?.split(".") ?? [];
    const forged = [
      null,
      "",
      ".",
      `${challenge}`,
      `${challenge}.${"A".repeat(22)}`,
      "x.y.z",
      // Sent back as a challenge it would fit no header.
      "x".repeat(513),
    ];
    for (const header of forged) assertEquals(credentials.judge(signed, header), "unproved");
    // A reply to another request of the same sender, unless that was the same read.
    const { verdict: other } = await send(credentials, process(B), request);
    assertNotEquals(credentials.judge(signed, other.replyAuth ?? null), "proved");
  });

  test(`Auth takes ${what} that is signed with a previous secret`, async () => {
    const receiver = process(B, ["the next secret of this cluster", SECRET]);
    const { reply } = await send(process(A).credentialsFor(B), receiver, request);
    assertEquals(reply, "proved");
  });

  test(`Auth takes ${what} that is signed with a secret which a function gives`, async () => {
    let secrets = [SECRET];
    const clock = new VirtualClock();
    const receiver = process(B, () => Promise.resolve(secrets), clock);
    assertEquals((await send(process(A).credentialsFor(B), receiver, request)).reply, "proved");
    secrets = ["the next secret of this cluster"];
    await clock.advance(1000);
    const sender = process(A, secrets).credentialsFor(B);
    assertEquals((await send(sender, receiver, request)).reply, "proved");
  });
}

test("Auth takes no proof of a read for one of a change, nor the other way round", async () => {
  const receiver = process(B);
  const credentials = process(A).credentialsFor(B);
  const read = await send(credentials, receiver, READ);
  assert(!(await receiver.gatekeeper.judge(read.signed.header, CHANGE)).isProved);
  const change = await credentials.forChange({ ...CHANGE, body: "body" });
  assert(!(await receiver.gatekeeper.judge(change.header, READ)).isProved);
});

for (const request of [READ, CHANGE]) {
  test(`Auth introduces a process by its first ${request.method}, before it has a challenge`, async () => {
    const { receiver, introduced } = awaiting();
    const sender = process(A, [SECRET], new VirtualClock(), { instanceId: "new" });
    const signed = await sign(sender.credentialsFor(B), request);
    const verdict = await receiver.gatekeeper.judge(signed.header, request);
    assert(!verdict.isProved && verdict.replyAuth !== undefined, "it gets the challenge");
    assertEquals(introduced, [`new at ${A}/`]);
    const known = await send(sender.credentialsFor(B), receiver, request);
    assert(known.verdict.isProved);
    assertEquals(introduced.length, 2, "what it signs with the challenge says nothing of its URL");
  });
}

test("Auth takes no introduction for another sender, receiver or URL, nor without the secret", async () => {
  const { receiver, introduced } = awaiting();
  const context = { instanceId: "new" };
  const headerOf = async (self: string, to: string, secret = SECRET) =>
    (await process(self, [secret], new VirtualClock(), context).credentialsFor(to).forRead())
      .header;
  const header = await headerOf(A, B);
  const forged = [
    header.replace(".new.", ".other."),
    await headerOf(A, "http://10.0.0.3:8080"),
    await headerOf("http://10.0.0.4:8080", B),
    await headerOf(A, B, "the secret of another cluster"),
    header.slice(0, -1) + (header.endsWith("A") ? "B" : "A"),
  ];
  for (const header of forged) await receiver.gatekeeper.judge(header, READ);
  assertEquals(introduced, []);
  await receiver.gatekeeper.judge(header, READ);
  assertEquals(introduced.length, 1);
});

test("Auth introduces no process that is leaving", async () => {
  const { receiver, introduced } = awaiting();
  let isServing = false;
  const sender = process(A, [SECRET], new VirtualClock(), { isServing: () => isServing });
  const judge = async () => {
    const { header } = await sender.credentialsFor(B).forRead();
    const verdict = await receiver.gatekeeper.judge(header, READ);
    assert(!verdict.isProved && verdict.replyAuth !== undefined, "it gets the challenge");
  };
  await judge();
  assertEquals(introduced, []);
  isServing = true;
  await judge();
  assertEquals(introduced.length, 1);
});

test("Auth takes a change once", async () => {
  const receiver = process(B);
  const credentials = process(A).credentialsFor(B);
  const { signed } = await send(credentials, receiver, CHANGE);
  const again = await receiver.gatekeeper.judge(signed.header, CHANGE);
  assert(!again.isProved && again.reason === "replayed");
});

test("Auth takes a proof of a change for no other method, path, number or body", async () => {
  const receiver = process(B);
  const credentials = process(A).credentialsFor(B);
  await send(credentials, receiver, READ);
  const { header } = await credentials.forChange({ ...CHANGE, body: "body" });
  const parts = header.split(".");
  const others: [string, ToProve][] = [
    [header, { ...CHANGE, method: "DELETE" }],
    [header, { ...CHANGE, path: "/_groupcache/group/other" }],
    [header, { ...CHANGE, note: "another time" }],
    [parts.with(3, "999").join("."), CHANGE],
    [parts.with(4, await digestOf("another body")).join("."), CHANGE],
    [parts.with(1, "another-sender").join("."), CHANGE],
  ];
  for (const [header, request] of others) {
    const verdict = await receiver.gatekeeper.judge(header, request);
    assert(!verdict.isProved && verdict.reason === "bad-proof");
  }
  assert((await receiver.gatekeeper.judge(header, CHANGE)).isProved);
});

test("Auth judges a read of a known sender synchronously, but still compares its proof", async () => {
  const receiver = process(B);
  const { signed } = await send(process(A).credentialsFor(B), receiver, READ);
  assert(!(receiver.gatekeeper.judge(signed.header, READ) instanceof Promise));
  const forged = signed.header.slice(0, -1) + (signed.header.endsWith("A") ? "B" : "A");
  assert(!(await receiver.gatekeeper.judge(forged, READ)).isProved);
});

test("Auth signs the reads of one turn once, and each anew after a new challenge", async () => {
  const receiver = process(B);
  const credentials = process(A).credentialsFor(B);
  await send(credentials, receiver, READ);
  const reads = await Promise.all([credentials.forRead(), credentials.forRead()]);
  assert(reads[0] === reads[1]);
  assert(!(credentials.forRead() instanceof Promise));
  const { signed } = await send(credentials, process(B), READ);
  assertNotEquals(signed.header, reads[0].header);
});

test("Auth signs reads anew if a new challenge comes while one is being signed", async () => {
  const credentials = process(A).credentialsFor(B);
  const introduction = await credentials.forRead();
  credentials.judge(introduction, "one");
  const early = credentials.forRead();
  // It is being signed by then, which takes a turn of the event loop.
  for (let i = 0; i < 20; i++) await Promise.resolve();
  credentials.judge(introduction, "two");
  const reads = await Promise.all([early, credentials.forRead()]);
  assertEquals(reads.map(({ challenge }) => challenge), ["one", "two"]);
  assertEquals((await credentials.forRead()).challenge, "two");
});

test("Auth reads the secrets again every 30 seconds, though it sends nothing but reads", async () => {
  const clock = new VirtualClock();
  let count = 0;
  const secrets = () => {
    count++;
    return [SECRET];
  };
  const credentials = process(A, secrets, clock).credentialsFor(B);
  await send(credentials, process(B), READ);
  await credentials.forRead();
  assertEquals(count, 1);
  for (let i = 2; i < 5; i++) {
    await clock.advance(29_999);
    await credentials.forRead();
    assertEquals(count, i - 1);
    await clock.advance(1);
    await credentials.forRead();
    assertEquals(count, i);
    await clock.advance(0);
  }
});

for (const request of [READ, CHANGE]) {
  test(`Auth signs ${request.method}s with the next secret once the function gives it`, async () => {
    const clock = new VirtualClock();
    let secrets = [SECRET];
    const sender = process(A, () => secrets, clock);
    const credentials = sender.credentialsFor(B);
    await send(credentials, process(B), request);
    secrets = ["the next secret of this cluster", SECRET];
    await clock.advance(30_000);
    // It reads the secrets again before it says that it does not know this key.
    await sender.gatekeeper.judge("unknown.someone", READ);
    const receiver = process(B, secrets.slice(0, 1));
    assertEquals((await send(credentials, receiver, request)).reply, "proved");
  });
}

test("Auth keeps the previous secrets when the function that returns them fails", async () => {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  let isBroken = false;
  const secrets = () => {
    if (isBroken) throw new Error("the file is gone");
    return [SECRET];
  };
  const receiver = process(B, secrets, clock, { onError: (error) => errors.push(error) });
  const credentials = process(A).credentialsFor(B);
  assertEquals((await send(credentials, receiver, CHANGE)).reply, "proved");
  isBroken = true;
  await clock.advance(60_000);
  assertEquals((await send(credentials, receiver, CHANGE)).reply, "proved");
  assertEquals(errors.length, 1);
});

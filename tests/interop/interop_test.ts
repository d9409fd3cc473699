/**
 * Clusters of two Go processes and this one: each of the Go modules, with its own ring.
 * `docs/go_clusters.md` tells users what is shown here.
 */

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { GroupCacheErrorCode } from "@groupcache/groupcache";
import { golangRing, groupcacheGoRing, mailgunRing } from "@groupcache/groupcache/placement";
import { failureOf } from "../failures.ts";
import { PATH_KEYS } from "../odd_keys.ts";
import { until } from "../processes/processes.ts";
import { Cluster, fromUtf8, GoError, type Member, sized, utf8 } from "./cluster.ts";
import { goTest } from "./go.ts";

const golang = { library: "golang", ring: golangRing() };
const mailgun = { library: "mailgun", ring: mailgunRing() };
const groupcacheGo = { library: "groupcache-go", ring: groupcacheGoRing() };
const all = [golang, mailgun, groupcacheGo];
/** Those that know what golang/groupcache does not: set, remove, expiry, and whose failure it was. */
const successors = [mailgun, groupcacheGo];

for (const flavor of all) {
  const { library } = flavor;

  goTest(`Each key has one owner, whichever process is asked (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const keys = keysOf("spread");
    for (const member of cluster.members) {
      const values = await Promise.all(keys.map((key) => member.get(key)));
      const expected = keys.map((key) => `${cluster.ownerOf(key)}:${key}`);
      assertEquals(values.map(fromUtf8), expected, member.name);
    }
    const many = await cluster.ours.group.getMany(keys);
    for (const [key, value] of many) {
      assertEquals(fromUtf8(value), `${cluster.ownerOf(key)}:${key}`);
    }
    assertEquals([...many.keys()], keys);
    assertEquals(await cluster.loads(), keys.toSorted());
    for (const member of cluster.members) assert((await member.loads()).length > 0, member.name);
  });

  goTest(`Values of all sizes arrive unchanged (${library})`, async () => {
    const keys = [0, 1, 1024, 1 << 20].map((size) => `size:${size}:of-all-bytes`);
    for (const direction of DIRECTIONS) {
      await using cluster = await Cluster.start(flavor);
      const { asker, owner } = direction(cluster);
      await cluster.giveAllTo(owner);
      for (const key of keys) {
        const size = Number(key.split(":")[1]);
        // The second time Go answers from its own hot cache.
        for (const time of ["once", "again"]) {
          const value = await asker.get(key);
          assert(isSame(value, sized(size)), `${key} to ${asker.name} ${time}: ${value.length}`);
        }
      }
      assertEquals(await asker.loads(), []);
      assertEquals(await owner.loads(), keys);
    }
  });

  goTest(`Keys of all kinds arrive unchanged (${library})`, async () => {
    for (const direction of DIRECTIONS) {
      await using cluster = await Cluster.start(flavor);
      const { asker, owner } = direction(cluster);
      await cluster.giveAllTo(owner);
      for (const { name, key } of PATH_KEYS) {
        assertEquals(fromUtf8(await asker.get(key)), `${owner.name}:${key}`, name);
      }
      assertEquals(await asker.loads(), []);
      assertEquals(await owner.loads(), PATH_KEYS.map(({ key }) => key));
    }
  });

  // golang/groupcache's client writes a space as +, which its server reads as a plus. We know a
  // space from a plus in what that client writes, and write %20 ourselves.
  goTest(`Which keys change between two Go processes (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const [asker, owner] = cluster.go;
    await cluster.giveAllTo(owner);
    for (const { key } of PATH_KEYS) await asker.get(key);
    const arrived = await owner.loads();
    const lost = PATH_KEYS.map(({ key }) => key).filter((key) => !arrived.includes(key));
    assertEquals(
      lost,
      library === "golang" ? PATH_KEYS.map(({ key }) => key).filter(hasSpace) : [],
    );
  });

  goTest(
    `A key that does not fit a URL is loaded by the process that needs it (${library})`,
    async () => {
      for (const direction of DIRECTIONS) {
        await using cluster = await Cluster.start(flavor);
        const { asker, owner } = direction(cluster);
        await cluster.giveAllTo(owner);
        for (const key of [".", ".."]) {
          const value = fromUtf8(await asker.get(key));
          // Go sends it as it is. Of the runtimes one takes it for a step in the path.
          const isFromOwner = asker !== cluster.ours && value === `${owner.name}:${key}`;
          assert(isFromOwner || value === `${asker.name}:${key}`, value);
        }
        if (asker === cluster.ours) assertEquals(await owner.loads(), []);
      }
    },
  );

  // A mux of Go before 1.22 looks at the path without its escapes, and redirects from what it finds
  // untidy there. We follow no redirects, and neither do the clients of two of the modules.
  goTest(
    `A key that Go's mux redirects is loaded by the process that needs it (${library})`,
    async () => {
      const env = { GODEBUG: "httpmuxgo121=1" };
      await using cluster = await Cluster.start({ ...flavor, env });
      const { ours, go: [owner] } = cluster;
      await cluster.giveAllTo(owner);
      for (const key of ["a//b", "./a/../b"]) {
        assertEquals(fromUtf8(await ours.get(key)), `ours:${key}`);
      }
      assertEquals(await owner.loads(), []);
    },
  );

  goTest(`Keys of up to 64 KiB have their values (${library})`, async () => {
    const keys = [8, 32, 64].map((kibibytes) => "x".repeat(kibibytes * 1024));
    for (const direction of DIRECTIONS) {
      await using cluster = await Cluster.start(flavor);
      const { asker, owner } = direction(cluster);
      await cluster.giveAllTo(owner);
      for (const key of keys) {
        const value = fromUtf8(await asker.get(key));
        // What fits into a request line is the runtime's affair; for others all load by themselves.
        const names = key.length > 8192 ? [owner.name, asker.name] : [owner.name];
        const [name = "", rest] = value.split(":");
        assert(names.includes(name) && rest === key, `${key.length} from ${name}`);
      }
    }
  });

  goTest(`A slow load is shared by all processes (${library})`, async () => {
    for (const pick of [0, 2]) {
      await using cluster = await Cluster.start(flavor);
      const owner = cluster.members[pick] as Member;
      await cluster.giveAllTo(owner);
      const key = "held:until-all-wait";
      const gets = cluster.members.flatMap((member) => [member.get(key), member.get(key)]);
      const settled = Promise.allSettled(gets);
      await until(async () => await owner.requests("GET") === 2, "both others ask");
      await owner.release();
      for (const get of gets) assertEquals(fromUtf8(await get), `${owner.name}:${key}`);
      await settled;
      assertEquals(await cluster.loads(), [key]);
    }
  });

  goTest(`A process loads a key itself if the owner lacks the group (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const [go] = cluster.go;
    await cluster.giveAllTo(go);
    assertEquals(fromUtf8(await cluster.ours.oursOnly.get("key")), "ours:key");
    await cluster.giveAllTo(cluster.ours);
    assertEquals(fromUtf8(await go.get("key", "go-only")), "go1:key");
  });

  goTest(`No get of ours fails when a Go process is killed (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours } = cluster;
    const [victim] = cluster.go;
    const gets = Array.from(
      { length: 10 },
      (_, round) => keysOf(`in-round-${round}`),
    ).flat().map((key) => ours.get(key).then((value) => [key, fromUtf8(value)] as const));
    const settled = Promise.allSettled(gets);
    await until(async () => await victim.requests("GET") > 0, "it is asked");
    await victim.child.kill("SIGKILL");
    await settled;
    for (const get of gets) {
      const [key, value] = await get;
      assertEquals(value.slice(value.indexOf(":") + 1), key);
    }
    for (const key of keysOf("after-it-has-gone")) {
      const value = fromUtf8(await ours.get(key));
      assert([`go2:${key}`, `ours:${key}`].includes(value), value);
    }
  });

  goTest(`No get of Go's fails when our process closes or is gone (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours, go } = cluster;
    const assertOwnValues = async (keys: string[]) => {
      for (const member of go) {
        const values = await Promise.all(keys.map((key) => member.get(key)));
        for (const [index, value] of values.entries()) {
          const [, owner = ""] = /^(go1|go2):/.exec(fromUtf8(value)) ?? [];
          assertEquals(fromUtf8(value), `${owner}:${keys[index]}`);
        }
      }
    };
    const key = Array.from({ length: 1000 }, (_, n) => `held:${n}:by-us`)
      .find((key) => cluster.ownerOf(key) === "ours") ?? "";
    const held = go[0].get(key);
    await until(async () => (await ours.loads()).includes(key), "we load");
    await go[0].release();
    await ours.cache.close();
    assertEquals(fromUtf8(await held), `go1:${key}`);
    await go[1].release();
    await assertOwnValues(keysOf("after-the-cache-was-closed"));
    await ours.stop();
    await assertOwnValues(keysOf("after-the-server-was-closed"));
  });

  goTest(
    `One in ten values from Go, which reports no rates, is mirrored (${library})`,
    async () => {
      let chance = 0.1;
      await using cluster = await Cluster.start({ ...flavor, random: () => chance });
      const { ours: { group }, go: [owner] } = cluster;
      await cluster.giveAllTo(owner);
      await group.get("key");
      assertEquals(group.peek("key"), undefined);
      chance = 0.0999;
      await group.get("key");
      assertEquals(fromUtf8(group.peek("key") ?? utf8("")), "go1:key");
      await group.get("key");
      assertEquals(await owner.requests("GET"), 2);
      assertEquals(group.stats().hot.items, 1);
    },
  );
}

goTest("Our process loads a key itself if a Go loader fails (golang)", async () => {
  await using cluster = await Cluster.start(golang);
  const { ours, go: [owner] } = cluster;
  await cluster.giveAllTo(owner);
  // 500 is all that golang/groupcache says of a loader's error, whatever it was.
  await assertFails(ours.get("missing:1"), "not-found", /there is no such value/);
  await assertFails(ours.get("broken:1"), "load-failed", /our loader is broken/);
  assertEquals(await ours.loads(), ["missing:1", "broken:1"]);

  await cluster.giveAllTo(ours);
  for (const [key, message] of [["missing:2", "no such value"], ["broken:2", "go1 is broken"]]) {
    const error = await assertRejects(() => owner.get(key ?? ""), GoError, message);
    assertEquals(error.kind, "");
  }
});

goTest("set and remove reject if the owner does not support them (golang)", async () => {
  await using cluster = await Cluster.start({ ...golang, random: () => 0 });
  const { ours, go: [owner] } = cluster;
  await cluster.giveAllTo(owner);
  await assertFails(ours.set("key", utf8("set")), "peer-failed", /for a get/);
  await assertFails(ours.remove("key"), "peer-failed", /for a get/);
});

for (const flavor of successors) {
  const { library } = flavor;

  goTest(
    `Not found and a failed load are told as such, and not repeated (${library})`,
    async () => {
      await using cluster = await Cluster.start(flavor);
      const { ours, go: [go] } = cluster;
      await cluster.giveAllTo(go);
      await assertFails(ours.get("missing:1"), "not-found", /there is no such value/);
      await assertFails(ours.get("broken:1"), "load-failed", /the loader of go1 is broken/);
      assertEquals(await go.loads(), ["missing:1", "broken:1"]);

      await cluster.giveAllTo(ours);
      const missing = await assertRejects(() => go.get("missing:2"), GoError, "not-found");
      assertEquals(missing.kind, "not-found");
      const broken = await assertRejects(() => go.get("broken:2"), GoError, "load-failed");
      assertEquals(broken.kind, "remote");
      assertEquals(await cluster.loads(), ["broken:1", "broken:2", "missing:1", "missing:2"]);
    },
  );

  goTest(`The expiry of loaded values is transmitted (${library})`, async () => {
    await using cluster = await Cluster.start({ ...flavor, random: () => 0 });
    const { ours, go: [go] } = cluster;
    const key = "ttl:600000:x";
    await cluster.giveAllTo(go);
    await ours.get(key);
    assert(ours.group.peek(key) !== undefined);
    ours.aheadMs = 599_000;
    assert(ours.group.peek(key) !== undefined);
    ours.aheadMs = 600_100;
    assertEquals(ours.group.peek(key), undefined);
    ours.aheadMs = 0;

    await cluster.giveAllTo(ours);
    await ours.remove(key);
    const before = Date.now();
    const end = await go.expiryOf(key);
    assert(end >= before + 600_000 && end <= Date.now() + 600_000, `${end}`);
    assertEquals(await go.expiryOf("without an end"), 0);

    const brief = "ttl:200:x";
    await go.get(brief);
    await until(async () => {
      await go.get(brief);
      return (await ours.loads()).filter((key) => key === brief).length === 2;
    }, "Go asks for it anew");
  });

  // Of mailgun/groupcache the client refuses a value whose end has come.
  goTest(`A value that expires at once arrives, or is loaded again (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours, go: [go] } = cluster;
    const key = "ttl:0:x";
    await cluster.giveAllTo(go);
    assertEquals(fromUtf8(await ours.get(key)), `go1:${key}`);
    await cluster.giveAllTo(ours);
    const loader = library === "mailgun" ? "go1" : "ours";
    assertEquals(fromUtf8(await go.get(key)), `${loader}:${key}`);
  });

  goTest(`The expiry of set values is transmitted (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours, go: [go, other] } = cluster;
    const key = "ttl:600000:x";
    await cluster.giveAllTo(go);
    const before = Date.now();
    await ours.set(key, utf8("set"));
    const end = await other.expiryOf(key);
    assert(end >= before + 600_000 && end <= Date.now() + 600_000, `${end}`);
    await ours.set("without an end", utf8("set"));
    assertEquals(await other.expiryOf("without an end"), 0);

    await cluster.giveAllTo(ours);
    await go.set("key", utf8("set by Go"), 600_000);
    ours.aheadMs = 599_000;
    assertEquals(fromUtf8(await ours.get("key")), "set by Go");
    ours.aheadMs = 600_100;
    assertEquals(fromUtf8(await ours.get("key")), "ours:key");
  });

  goTest(`All processes get a value that was set, without a load (${library})`, async () => {
    for (const direction of DIRECTIONS) {
      await using cluster = await Cluster.start(flavor);
      const { asker: setter, owner } = direction(cluster);
      await cluster.giveAllTo(owner);
      for (const { name, key } of PATH_KEYS) {
        await setter.set(key, utf8(`set by ${setter.name}: ${key}`));
        for (const member of cluster.members) {
          const value = fromUtf8(await member.get(key));
          assertEquals(value, `set by ${setter.name}: ${key}`, `${name} at ${member.name}`);
        }
        await owner.remove(key);
      }
      for (const size of [0, 1 << 20]) {
        await setter.set("value", sized(size));
        for (const member of cluster.members) {
          assert(isSame(await member.get("value"), sized(size)), `${size} at ${member.name}`);
        }
        await owner.remove("value");
      }
      assertEquals(await cluster.loads(), []);
    }
  });

  goTest(`A removed key is gone everywhere, including mirrors (${library})`, async () => {
    for (const pick of [0, 2]) {
      await using cluster = await Cluster.start({ ...flavor, random: () => 0 });
      const owner = cluster.members[pick] as Member;
      // Remove needs the whole list of peers, so the ring decides.
      const keys = keysOf("mirrored").filter((key) => cluster.ownerOf(key) === owner.name);
      assert(keys.length > 0);
      const getAll = () =>
        Promise.all(cluster.members.flatMap((member) => keys.map((key) => member.get(key))));
      let times = 0;
      for (const remover of [undefined, ...cluster.members]) {
        if (remover !== undefined) await Promise.all(keys.map((key) => remover.remove(key)));
        await getAll();
        await getAll();
        times++;
        const expected = keys.flatMap((key) => Array.from({ length: times }, () => key));
        assertEquals(await owner.loads(), (await owner.loads()).slice(0, expected.length));
        assertEquals(await cluster.loads(), expected.sort(), remover?.name);
      }
    }
  });

  goTest(`remove rejects if a process cannot be told (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours, go: [go, victim] } = cluster;
    await victim.child.kill("SIGKILL");
    await assertFails(ours.remove("key"), "peer-failed", /not told yet: http/);
    // Of all outcomes mailgun/groupcache reports the one that comes last, which may be a success.
    if (library !== "mailgun") await assertRejects(() => go.remove("key"), GoError);
  });

  goTest(`Our set replaces what Go mirrors (${library})`, async () => {
    await using cluster = await Cluster.start({ ...flavor, random: () => 0 });
    for (const key of keysOf("mirrored")) {
      for (const member of cluster.members) await member.get(key);
      await cluster.ours.set(key, utf8("new"));
      for (const member of cluster.members) {
        assertEquals(fromUtf8(await member.get(key)), "new", `${key} at ${member.name}`);
      }
    }
  });

  goTest(`A key that does not fit a URL can be set but not removed (${library})`, async () => {
    await using cluster = await Cluster.start(flavor);
    const { ours, go: [owner] } = cluster;
    await cluster.giveAllTo(owner);
    // The owner is told in a body; others, who may hold what they loaded by themselves, cannot be.
    await assertFails(ours.set(".", utf8("set")), "peer-failed", /cannot receive such a key/);
    assertEquals(fromUtf8(await owner.get(".")), "set");
    await assertFails(ours.remove("."), "peer-failed", /cannot receive such a key/);
    assertEquals(await cluster.loads(), []);
  });

  goTest(`A key of 8 KiB is set and removed (${library})`, async () => {
    const key = "x".repeat(8192);
    for (const direction of DIRECTIONS) {
      await using cluster = await Cluster.start(flavor);
      const { asker, owner } = direction(cluster);
      await cluster.giveAllTo(owner);
      await asker.set(key, utf8("set"));
      assertEquals(fromUtf8(await owner.get(key)), "set");
      await asker.remove(key);
      assertEquals(fromUtf8(await owner.get(key)), `${owner.name}:${key}`);
      assertEquals(await cluster.loads(), [key]);
    }
  });
}

goTest("Go's set reaches our mirrors (groupcache-go)", async () => {
  await using cluster = await Cluster.start({ ...groupcacheGo, random: () => 0 });
  const { ours, go: [setter] } = cluster;
  for (const key of keysOf("mirrored")) {
    await ours.get(key);
    await setter.set(key, utf8("new"));
    assertEquals(fromUtf8(await ours.get(key)), "new", key);
  }
});

goTest("Go's set reaches the owner, but no mirror, ours or Go's (mailgun)", async () => {
  await using cluster = await Cluster.start({ ...mailgun, random: () => 0 });
  const { ours, go: [setter, mirror] } = cluster;
  const key = keysOf("mirrored").find((key) => cluster.ownerOf(key) === setter.name) ?? "";
  for (const member of [ours, mirror]) await member.get(key);
  await setter.set(key, utf8("new"));
  for (const member of [ours, mirror]) {
    assertEquals(fromUtf8(await member.get(key)), `go1:${key}`, member.name);
  }
});

/** Who asks, and who is asked. */
const DIRECTIONS: ((cluster: Cluster) => { asker: Member; owner: Member })[] = [
  ({ ours, go: [go] }) => ({ asker: ours, owner: go }),
  ({ ours, go: [go] }) => ({ asker: go, owner: ours }),
];

/** Keys that differ at their beginning, because Go's FNV tells others apart too little. */
function keysOf(what: string): string[] {
  return Array.from({ length: 60 }, (_, index) => `${index}-${what}`);
}

function hasSpace(key: string): boolean {
  return key.includes(" ");
}

/** Quicker than `assertEquals` where there is a million of them. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

async function assertFails(
  call: Promise<unknown>,
  code: GroupCacheErrorCode,
  message: RegExp,
): Promise<void> {
  const error = await failureOf(call);
  assertEquals(error.code, code);
  assert(message.test(error.message), error.message);
}

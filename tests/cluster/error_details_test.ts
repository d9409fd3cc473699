import { assertEquals, assertInstanceOf } from "@std/assert";
import { GroupCacheError, rendezvous, text } from "../../mod.ts";
import { Cluster, type ClusterOptions } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const DETAILS = { retryAfterMs: 500, name: "Zoë 😀", list: [1, null, "\n"] };

/** What each key's load throws. */
const THROWN: Record<string, () => unknown> = {
  plain: () => Object.assign(new Error("busy"), { details: DETAILS }),
  missing: () => new GroupCacheError("not-found", "no such text", { details: DETAILS }),
  large: () => Object.assign(new Error("busy"), { details: "x".repeat(4096) }),
  circle: () => {
    const details: unknown[] = [];
    details.push(details);
    return Object.assign(new Error("busy"), { details });
  },
  trap: () => ({
    get details() {
      throw new Error("no");
    },
  }),
  none: () => new Error("busy"),
};

class Setup {
  readonly cluster: Cluster;
  readonly get: (process: number, key: string) => Promise<string>;

  constructor(options: ClusterOptions) {
    this.cluster = new Cluster(2, options);
    const groups = this.cluster.caches.map((cache) =>
      cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        load: (key) => {
          const thrown = THROWN[key.split(" ")[0] ?? ""];
          if (thrown !== undefined) throw thrown();
          return key;
        },
      })
    );
    this.get = (process, key) => groups[process]?.get(key) ?? Promise.reject(new Error("none"));
  }

  /** A key that the first process owns. */
  key(name: string): string {
    const rank = rendezvous().rank(this.cluster.urls);
    for (let i = 0;; i++) {
      const key = `${name} ${i}`;
      const [owner] = rank(key);
      if (owner === this.cluster.urls[0]) return key;
    }
  }

  async error(process: number, name: string): Promise<GroupCacheError> {
    const got = this.get(process, this.key(name)).then((value) => value, (error) => error);
    const error = await this.cluster.clock.until(got);
    assertInstanceOf(error, GroupCacheError);
    return error;
  }

  /** Opens a channel, if that is allowed: calls within a second of each other want one. */
  async warmUp(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await this.cluster.clock.until(this.get(1, this.key(`warm up ${i}`)));
      await this.cluster.clock.advance(50);
    }
  }
}

const ROUTES: { name: string; options: ClusterOptions }[] = [
  { name: "an ordinary reply", options: { limits: { maxChannels: 0 } } },
  { name: "a channel", options: {} },
];

for (const { name, options } of ROUTES) {
  test(`The details of a loader's error reach the caller in another process by ${name}`, async () => {
    const setup = new Setup({ ...options, authorize: () => true });
    await using cluster = setup.cluster;
    await setup.warmUp();
    const requests = cluster.requestsTo(0);
    for (const process of [0, 1]) {
      assertEquals((await setup.error(process, "plain")).details, DETAILS);
      const missing = await setup.error(process, "missing");
      assertEquals([missing.code, missing.details], ["not-found", DETAILS]);
      for (const name of ["large", "circle", "trap", "none"]) {
        const error = await setup.error(process, name);
        assertEquals([error.code, error.details], ["load-failed", undefined], name);
      }
    }
    assertEquals(cluster.requestsTo(0) - requests, 6);
  });

  test(`No details of a loader's error leave the process by ${name} if anybody may ask`, async () => {
    const setup = new Setup(options);
    await using _ = setup.cluster;
    await setup.warmUp();
    assertEquals((await setup.error(0, "plain")).details, DETAILS);
    for (const name of ["plain", "missing"]) {
      assertEquals((await setup.error(1, name)).details, undefined);
    }
  });
}

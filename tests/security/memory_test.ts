import { assert } from "@std/assert";
import { encodeGetKeysRequest } from "../../lib/wire/get_keys_request.ts";
import { encodeSetRequest } from "../../lib/wire/set_request.ts";
import { spawn } from "../processes/child.ts";
import { type Runtime, serve, test } from "../runtime.ts";
import { RawClient } from "./raw_client.ts";

/** What a single stranger may make a process take, whatever it sends. */
const MAX_GROWTH_BYTES = 64 << 20;

interface Attack {
  name: string;
  /** Done before the memory is looked at. */
  prepare?: (url: string) => Promise<void>;
  /** What it opens it hands to `stack`, so that it is open while the memory is looked at. */
  run: (url: string, stack: DisposableStack) => Promise<void>;
}

const PUT = "PUT /_groupcache/values/0";
const PROTOBUF = { "content-type": "application/x-protobuf" };

const ATTACKS: Attack[] = [
  {
    name: "a body of 40,000 chunks of one byte",
    run: async (url, stack) => {
      const client = stack.use(await RawClient.connect(url));
      await client.sendHead(PUT, { ...PROTOBUF, "transfer-encoding": "chunked" });
      const chunks = new TextEncoder().encode("1\r\nx\r\n".repeat(100));
      for (let sent = 0; sent < 40_000; sent += 100) await client.send(chunks);
    },
  },
  {
    name: "625 values of 100 KiB asked for 16 times each in one request, and not read",
    run: async (url, stack) => {
      const keys = Array.from({ length: 10_000 }, (_, index) => `100::${index % 625}`);
      const body = encodeGetKeysRequest(keys);
      const client = stack.use(await RawClient.connect(url));
      const headers = { ...PROTOBUF, "content-length": `${body.byteLength}` };
      await client.sendHead("POST /_groupcache/little/_get-keys/", headers);
      await client.send(body);
    },
  },
  {
    name: "1,000 values of 100 KiB asked for in one request, and not read",
    run: async (url, stack) => {
      const keys = Array.from({ length: 1000 }, (_, index) => `100:${index % 20}:${index}`);
      const body = encodeGetKeysRequest(keys);
      const client = stack.use(await RawClient.connect(url));
      const headers = { ...PROTOBUF, "content-length": `${body.byteLength}` };
      await client.sendHead("POST /_groupcache/little/_get-keys/", headers);
      await client.send(body);
    },
  },
  {
    name: "five values of 20 MiB that stop before their end",
    run: async (url, stack) => {
      const value = new Uint8Array(20 << 20).fill(1);
      const body = encodeSetRequest({ group: "values", key: "0", value, expiresAtMs: Infinity });
      const headers = { ...PROTOBUF, "content-length": `${body.byteLength}` };
      await Promise.all(Array.from({ length: 5 }, async () => {
        const client = stack.use(await RawClient.connect(url));
        await client.sendHead(PUT, headers);
        // All but the last bytes, as far as they are taken.
        await Promise.race([client.send(body.subarray(0, -1000)), later(2000)]);
      }));
    },
  },
  {
    // A bare server that reads these takes 200 MiB; the runtime itself keeps some of each connection.
    name: "700 requests of 64 KiB that stop before their end",
    run: async (url, stack) => {
      const body = new Uint8Array(65_000);
      const headers = { ...PROTOBUF, "content-length": "65536" };
      for (let i = 0; i < 700; i++) {
        const client = stack.use(await RawClient.connect(url));
        await client.sendHead("POST /_groupcache/values/_get-keys/", headers);
        client.send(body);
      }
    },
  },
  {
    name: "a value of 8 MiB asked for 20 times, and not read",
    prepare: async (url) => {
      await (await fetch(`${url}/_groupcache/values/8192`)).arrayBuffer();
    },
    run: async (url, stack) => {
      for (let i = 0; i < 20; i++) {
        const client = stack.use(await RawClient.connect(url));
        await client.sendHead("GET /_groupcache/values/8192", {});
      }
    },
  },
];

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function growth(url: string): Promise<number> {
  return await (await fetch(`${url}/memory`)).json() as number;
}

function start(runtime: Runtime, ...args: string[]) {
  const flags = runtime === "deno"
    ? { runtimeArgs: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"] }
    : {};
  return spawn("tests/security/victim.ts", { runtime, args, ...flags });
}

for (const runtime of ["deno", "bun"] as const) {
  for (const { name, prepare, run } of ATTACKS) {
    test(`On ${runtime} a process takes little memory for ${name}`, async () => {
      await using child = start(runtime);
      const [, url = ""] = await child.line(/^serving (\S+)$/, 30_000);
      await prepare?.(url);
      using stack = new DisposableStack();
      await fetch(`${url}/mark`);
      await run(url, stack);
      await later(1000);
      const bytes = await growth(url);
      assert(bytes <= MAX_GROWTH_BYTES, `${(bytes / 2 ** 20).toFixed()} MiB more`);
    }, { needs: [runtime] });
  }

  test(
    `On ${runtime} a process takes little memory for a reply of 20,000 chunks of one byte`,
    async () => {
      await using server = serve(() =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              await later(0);
              for (let i = 0; i < 100; i++) controller.enqueue(Uint8Array.of(1));
            },
          }),
          { headers: { "content-type": "application/x-protobuf" } },
        )
      );
      await using child = start(runtime, server.url);
      const [, url = ""] = await child.line(/^serving (\S+)$/, 30_000);
      await fetch(`${url}/mark`);
      const got = fetch(`${url}/get?key=0`);
      await later(3000);
      const bytes = await growth(url);
      got.catch(() => {});
      assert(bytes <= MAX_GROWTH_BYTES, `${(bytes / 2 ** 20).toFixed()} MiB more`);
    },
    { needs: [runtime] },
  );
}

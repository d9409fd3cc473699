import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { type Child, spawn } from "../processes/child.ts";
import { freePorts, type Runtime, runtime, test } from "../runtime.ts";
import { answering } from "./answering.ts";

interface Mount {
  example: string;
  /** One process each. */
  runtimes: readonly [Runtime, Runtime];
}

const other: Runtime = runtime === "deno" ? "bun" : "deno";

const mounts: Mount[] = [
  { example: "mount_in_deno", runtimes: ["deno", "deno"] },
  { example: "mount_in_bun", runtimes: ["bun", "bun"] },
  { example: "mount_by_export", runtimes: [runtime, runtime] },
  { example: "mount_by_export", runtimes: [runtime, other] },
  { example: "mount_in_hono", runtimes: [runtime, runtime] },
  { example: "mount_in_hono", runtimes: [runtime, other] },
];

for (const { example, runtimes } of mounts) {
  test(`The example ${example} makes ${runtimes.join(" and ")} share one load`, async () => {
    await using children = new AsyncDisposableStack();
    const ports = await freePorts(2);
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    const [first, second] = runtimes.map((runtime, index) =>
      children.use(start(example, runtime, ports[index] ?? 0, { PEERS: urls.join() }))
    ) as [Child, Child];
    await Promise.all(urls.map((url) => answering(url)));

    const keys = Array.from({ length: 10 }, (_, index) => `/page/${index}`);
    for (const key of keys) {
      const pages = await Promise.all(urls.map(async (url) => (await fetch(url + key)).text()));
      assertEquals(pages, [`<h1>${key}</h1>`, `<h1>${key}</h1>`]);
    }
    const loaded = (child: Child) => child.lines.filter((line) => line.startsWith("loading /page"));
    const areAll = () => loaded(first).length + loaded(second).length >= keys.length || undefined;
    await Promise.any([first, second].map((child) => child.until(areAll, "their loads")));
    const all = [...loaded(first), ...loaded(second)];
    assertEquals(all.sort(), keys.map((key) => `loading ${key}`));
  }, { needs: runtimes });
}

test("The example dynamic_peers follows its list of peers", async () => {
  await using children = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "groupcache-peers-"));
  children.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "peers.txt");
  const ports = await freePorts(2);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const env = { PEERS_FILE: file };
  const processes = ports.map((port) =>
    children.use(start("dynamic_peers", runtime, port, env))
  ) as [Child, Child];
  await Promise.all(urls.map((url) => answering(url)));

  await writeFile(file, urls.join("\n"));
  await Promise.all(processes.map((child) => child.line(/^peers: \S+ \S+$/)));
  await fetch(`${urls[0]}/shared`);
  await fetch(`${urls[1]}/shared`);
  const loader = await Promise.any(
    processes.map((child) => child.line(/^loading \/shared$/, 5000).then(() => child)),
  );
  const others = processes.filter((child) => child !== loader);
  assertEquals(others.some(({ lines }) => lines.includes("loading /shared")), false);
});

/** Starts a process of an example as its comment says. */
function start(
  example: string,
  runtime: Runtime,
  port: number,
  env: Record<string, string>,
): Child {
  const serve = ["serve", "-A", "--quiet", "--host", "127.0.0.1", "--port", String(port)];
  const isServer = runtime === "deno" && example !== "mount_in_deno";
  return spawn(`examples/${example}.ts`, {
    runtime,
    ...(isServer ? { runtimeArgs: serve } : {}),
    env: { ...env, PORT: String(port) },
  });
}

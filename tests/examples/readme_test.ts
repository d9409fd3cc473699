import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { assertEquals } from "@std/assert";
import { type Child, spawn } from "../processes/child.ts";
import { freePorts, root, type Runtime, runtime, test } from "../runtime.ts";
import { answering } from "./answering.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

test("The README's first program runs as it stands, on both runtimes together", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const [, program = ""] = /```ts ignore\n([^]*?)```/.exec(readme) ?? [];
  // In the repository, where the package's own name is known.
  const folder = await mkdtemp(join(root, "tests/examples/.readme-"));
  try {
    await writeFile(join(folder, "app.ts"), program);
    await using children = new AsyncDisposableStack();
    const ports = await freePorts(2);
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    const path = join("tests/examples", basename(folder), "app.ts");
    const runtimes: Runtime[] = [runtime, other];
    const processes = runtimes.map((runtime, index) =>
      children.use(
        spawn(path, { runtime, env: { PORT: String(ports[index]), PEERS: urls.join() } }),
      )
    ) as Child[];
    await Promise.all(urls.map(answering));

    for (const url of [...urls, ...urls]) {
      assertEquals(await (await fetch(`${url}/42`)).json(), { id: "42", name: "User 42" });
    }
    const missing = await fetch(`${urls[0]}/nobody`);
    assertEquals([missing.status, await missing.text()], [404, "Cannot serve user nobody"]);
    const lines = processes.flatMap(({ lines }) => lines);
    assertEquals(lines.filter((line) => line === "loading 42").length, 1, lines.join("\n"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, { needs: ["deno", "bun"] });

import { assertEquals } from "@std/assert";
import { type Child, spawn } from "../processes/child.ts";
import { freePorts, type Runtime, test } from "../runtime.ts";
import { answering } from "./answering.ts";

const PATHS = Array.from({ length: 20 }, (_, index) => `/page/${index}`);
const SLOW_PATHS = Array.from({ length: 10 }, (_, index) => `/slow/${index}`);

const examples: { name: string; runtime: Runtime }[] = [
  { name: "leave_in_deno", runtime: "deno" },
  { name: "leave_in_bun", runtime: "bun" },
];

for (const { name, runtime } of examples) {
  test(
    `The example ${name} answers what is in flight, hands over what it has, and ends well`,
    async () => {
      await using children = new AsyncDisposableStack();
      const ports = await freePorts(2);
      const urls = ports.map((port) => `http://127.0.0.1:${port}`);
      const [leaving, staying] = ports.map((port) => {
        const env = { PEERS: urls.join(), PORT: String(port), LOAD_MS: "500" };
        return children.use(spawn(`examples/${name}.ts`, { runtime, env }));
      }) as [Child, Child];
      await Promise.all(urls.map(answering));
      const loads = () =>
        [leaving, staying].flatMap(({ lines }) => lines).filter((line) =>
          /^loading \/p/.test(line)
        );

      const pagesOf = (url: string, paths: readonly string[]) =>
        Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
      await Promise.all(urls.map((url) => pagesOf(url, PATHS)));
      const answers = pagesOf(urls[0] ?? "", SLOW_PATHS);
      await Promise.any([leaving, staying].map((child) => child.line(/^loading \/slow/)));

      assertEquals(await leaving.kill("SIGTERM"), 0);
      assertEquals(await answers, SLOW_PATHS.map((path) => `<h1>${path}</h1>`));
      assertEquals(
        await pagesOf(urls[1] ?? "", PATHS),
        PATHS.map((path) => `<h1>${path}</h1>`),
      );
      assertEquals(await staying.kill("SIGTERM"), 0);
      assertEquals(loads().sort(), PATHS.map((path) => `loading ${path}`).sort());
    },
    { needs: [runtime] },
  );
}

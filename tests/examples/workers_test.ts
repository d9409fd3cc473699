import { connect } from "node:net";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { type Child, spawn } from "../processes/child.ts";
import { freePorts, type Runtime, serve, test } from "../runtime.ts";

const WORKERS = 3;
/** New connections are dealt out by chance; that one of three gets none of 300 does not happen. */
const ROUNDS = 30;
const PATHS = Array.from({ length: 10 }, (_, index) => `/page/${index}`);

const examples: { name: string; runtime: Runtime }[] = [
  { name: "deno_parallel", runtime: "deno" },
  { name: "bun_reuse_port", runtime: "bun" },
];

for (const { name, runtime } of examples) {
  test(`The example workers/${name} loads a key once for all workers`, async () => {
    await using workers = await startWorkers(name, runtime);
    const servedBy = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const path of PATHS) {
        const { body, worker } = await workers.get(path);
        assertEquals(body, `<h1>${path}</h1>`);
        servedBy.add(worker);
      }
    }
    assertEquals([...servedBy].sort(), workers.peerPorts);
    assertEquals(await workers.child.kill("SIGTERM"), 0);
    const loads = workers.child.lines.flatMap((line) =>
      line.match(/loading (\/page.+)$/)?.[1] ?? []
    );
    assertEquals(loads.sort(), PATHS);
  }, { needs: [runtime] });
}

test("The example workers/bun_reuse_port restarts a worker that was killed", async () => {
  await using workers = await startWorkers("bun_reuse_port", "bun");
  const [port = "", pid = ""] = workers.started()[0] ?? [];
  process.kill(Number(pid), "SIGKILL");
  await workers.child.until(() => workers.started()[WORKERS], "another worker");
  assertEquals(workers.started()[WORKERS]?.[0], port);
  for (const path of PATHS) assertEquals((await workers.get(path)).body, `<h1>${path}</h1>`);
}, { needs: ["bun"] });

test("The example workers/deno_parallel ends as a whole when a worker fails", async () => {
  const [port = 0, firstPort = 0, takenPort = 0] = await freeRange(1 + WORKERS);
  await using _other = serve(() => new Response(), { port: takenPort });
  await using child = spawnWorkers("deno_parallel", "deno", [port, firstPort]);
  assertEquals(await child.exited, 1);
  await child.line(/Cannot find a free peer port/);
}, { needs: ["deno"] });

/** The workers of an example, and what they do. They are gone when it is disposed of. */
interface Workers extends AsyncDisposable {
  child: Child;
  peerPorts: string[];
  /** The peer port and the process of each worker that was started, in that order. */
  started(): [port: string, pid: string][];
  /** Gets a page through a connection of its own. */
  get(path: string): Promise<{ body: string; worker: string }>;
}

/** Starts an example as its comment says. */
function spawnWorkers(
  name: string,
  runtime: Runtime,
  [port, peerPort]: [port: number, peerPort: number],
): Child {
  const address = ["--host", "127.0.0.1", "--port", String(port)];
  const serveArgs = ["serve", "-A", "--quiet", "--parallel", ...address];
  return spawn(`examples/workers/${name}.ts`, {
    runtime,
    ...(runtime === "deno" ? { runtimeArgs: serveArgs } : {}),
    env: {
      DENO_JOBS: String(WORKERS),
      WORKERS: String(WORKERS),
      PORT: String(port),
      PEER_PORT: String(peerPort),
    },
  });
}

async function startWorkers(name: string, runtime: Runtime): Promise<Workers> {
  const [port = 0, ...peerPorts] = await freeRange(1 + WORKERS);
  const child = spawnWorkers(name, runtime, [port, peerPorts[0] ?? 0]);
  const started = () =>
    child.lines.flatMap((line): [string, string][] => {
      const match = line.match(/serving peers on (\d+)(?:, process (\d+))?$/);
      return match === null ? [] : [[match[1] ?? "", match[2] ?? ""]];
    });
  await child.until(() => started()[WORKERS - 1], "all workers");
  await untilListening(port);
  return {
    child,
    peerPorts: peerPorts.map(String),
    started,
    get: async (path) => {
      const answer = await request(port, path);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      return { body, worker: head.match(/^worker: (\d+)$/im)?.[1] ?? "" };
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Asks on a new connection: a kept one always leads to the same worker. */
async function request(port: number, path: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) answer += chunk;
  return answer;
}

/** `deno serve` listens only after the worker has said that it serves peers. */
async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (true) {
    try {
      return void await request(port, "/ready");
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Free ports in a row. */
async function freeRange(count: number): Promise<number[]> {
  while (true) {
    const [first = 0] = await freePorts(1);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    try {
      await using servers = new AsyncDisposableStack();
      for (const port of ports) servers.use(serve(() => new Response(), { port }));
      return ports;
    } catch {
      // One of them is taken.
    }
  }
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { Child, spawn } from "../../tests/processes/child.ts";
import { freePorts, root, type Runtime } from "../../tests/runtime.ts";

/** A process that measures when it is told to. */
export class Node implements AsyncDisposable {
  readonly url: string;
  #child: Child;

  constructor(child: Child, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Has the process do something, and returns what came of it. */
  async ask<Result>(path: string, query: Record<string, unknown> = {}): Promise<Result> {
    const entries = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const response = await fetch(`${this.url}/${path}?${new URLSearchParams(entries)}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot ask a process to ${path}: ${text}`);
    return text === "" ? undefined as Result : JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

/** Starts a program that says where it listens. */
export async function started(child: Child): Promise<Node> {
  const [, url = ""] = await child.line(/listening on (\S+)/, 60_000);
  return new Node(child, url);
}

/** A process of a cluster, still without peers. */
export function startNode(runtime: Runtime, env: Record<string, string> = {}): Promise<Node> {
  return started(spawn("bench/peers/node.ts", { runtime, env }));
}

/** A process of a cluster, still without peers, that can be told to collect its garbage. */
export function startCollectingNode(runtime: Runtime, env: Record<string, string>): Promise<Node> {
  const collecting = { runtimeArgs: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"] };
  const options = { runtime, env, ...(runtime === "deno" && collecting) };
  return started(spawn("bench/peers/node.ts", options));
}

/** One process that stands for many owners. */
export function startOwners(runtime: Runtime, count: number): Promise<Node> {
  return started(spawn("bench/peers/many_owners.ts", { runtime, args: [String(count)] }));
}

/** A server that does nothing but answer. */
export function startBareServer(runtime: Runtime): Promise<Node> {
  return started(spawn("bench/peers/bare_server.ts", { runtime }));
}

/** A cluster of as many processes. */
export function startCluster(
  runtime: Runtime,
  count: number,
  stack: AsyncDisposableStack,
  env: Record<string, string> = {},
): Promise<Node[]> {
  return startMixedCluster(Array.from({ length: count }, () => runtime), stack, env);
}

/** A cluster of one process for each of the runtimes. */
export async function startMixedCluster(
  runtimes: readonly Runtime[],
  stack: AsyncDisposableStack,
  env: Record<string, string> = {},
): Promise<Node[]> {
  const nodes = await Promise.all(runtimes.map((runtime) => startNode(runtime, env)));
  for (const node of nodes) stack.use(node);
  const urls = nodes.map(({ url }) => url).join();
  await Promise.all(nodes.map((node) => node.ask("peers", { urls })));
  return nodes;
}

/** What runs beside us, where it is there. */
export interface Others {
  /** The program of a Go process. */
  go: string | undefined;
  /** Redis's server. */
  redis: string | undefined;
  /** An HTTP load generator. */
  wrk: string | undefined;
}

/** Looks for the others, and builds the Go program into a folder of the stack's lifetime. */
export function findOthers(stack: AsyncDisposableStack): Others {
  return { go: buildGo(stack), redis: onPath("redis-server"), wrk: onPath("wrk") };
}

function buildGo(stack: AsyncDisposableStack): string | undefined {
  const go = onPath("go");
  if (go === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "peers-bench-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "peer");
  const cwd = join(root, "bench/peers/go");
  const { status } = spawnSync(go, ["build", "-o", program, "."], { cwd, stdio: "ignore" });
  return status === 0 ? program : undefined;
}

function onPath(program: string): string | undefined {
  return (process.env["PATH"] ?? "").split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** A process of a Go cluster. A caller keeps no values itself. */
export function startGo(program: string, role: "caller" | "owner"): Promise<Node> {
  return started(new Child("bench/peers/go", program, [role], {}));
}

/** Redis without persistence. Returns its port. */
export async function startRedis(program: string, stack: AsyncDisposableStack): Promise<number> {
  const [port = 0] = await freePorts(1);
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = stack.use(new Child("redis-server", program, args, {}));
  await child.line(/Ready to accept connections/);
  return port;
}

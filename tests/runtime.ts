/**
 * What differs between Deno and Bun for tests, benchmarks and the demo, found by looking, and
 * nothing else. Whatever both do alike, such as `node:` modules, needs no detour through here.
 */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

// deno-lint-ignore no-explicit-any -- neither runtime knows the other's globals
const globals = globalThis as any;

/** The runtimes that the library is for. */
export type Runtime = "deno" | "bun";

export const isDeno: boolean = "Deno" in globalThis;

/** The runtime that runs this. */
export const runtime: Runtime = isDeno ? "deno" : "bun";

/** The folder of the repository. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

// ---------------------------------------------------------------------------------------- tests

type TestBody = () => void | Promise<void>;

export interface TestOptions {
  /** Shows the test as skipped. */
  ignore?: boolean;
  /**
   * What must be there. Where it is not the test shows as skipped, or fails if the environment
   * says `GROUPCACHE_REQUIRE_BOTH=1`.
   */
  needs?: readonly Runtime[];
}

/** Bun's test module; a computed specifier keeps Deno from looking for it. */
const bunTest = isDeno ? undefined : await import(["bun", "test"].join(":"));

/** Bun's own limit of 5,000 ms is too short where everything is slow. Deno has none. */
const TIMEOUT_MS = 120_000;

/** Declares a test in the runtime's own runner. */
export function test(
  name: string,
  body: TestBody,
  { ignore = false, needs = [] }: TestOptions = {},
): void {
  const missing = needs.map(whyNot).filter((why) => why !== undefined).join(", ");
  if (missing !== "") {
    name += ` (${missing})`;
    if (process.env["GROUPCACHE_REQUIRE_BOTH"] !== "1") ignore = true;
    else body = () => Promise.reject(new Error(`Cannot run the test: ${missing}`));
  }
  if (bunTest === undefined) globals.Deno.test({ name, ignore, fn: body });
  else if (ignore) bunTest.test.skip(name, body);
  else bunTest.test(name, body, TIMEOUT_MS);
}

// ------------------------------------------------------------------------------------ processes

/**
 * Where a runtime's program is: the one that runs this; else what `GROUPCACHE_DENO` or
 * `GROUPCACHE_BUN` says; else on the PATH; else in `node_modules`. Undefined if nowhere.
 */
export function findRuntime(name: Runtime): string | undefined {
  if (name === runtime) return process.execPath;
  const told = process.env[`GROUPCACHE_${name.toUpperCase()}`];
  if (told) return told;
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const suffix = process.platform === "win32" ? ".exe" : "";
  return [...folders, join(root, "node_modules", ".bin")]
    .map((folder) => join(folder, name + suffix))
    .find((path) => existsSync(path));
}

/** Why a runtime cannot run programs of the repository, or undefined if it can. */
export function whyNot(name: Runtime): string | undefined {
  if (findRuntime(name) === undefined) return `there is no ${name} here`;
  // Deno finds packages by itself.
  const isInstalled = name === "deno" || existsSync(join(root, "node_modules", "hono"));
  return isInstalled ? undefined : "bun install has not been run";
}

/** A process that was started, as either runtime knows it. */
export interface Started {
  pid: number;
  stdout: ReadableStream<Uint8Array>;
  stderr: ReadableStream<Uint8Array>;
  /** Its exit code. */
  ended: Promise<number>;
  kill: (signal: string) => void;
  endInput: () => void;
}

/** Starts a program in the folder of the repository, with `env` added to this environment. */
export function start(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Started {
  const fullEnv = { ...process.env, NO_COLOR: "1", ...env };
  if (isDeno) {
    const command = new globals.Deno.Command(path, {
      args,
      cwd: root,
      env: fullEnv,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    const child = command.spawn();
    return {
      pid: child.pid,
      stdout: child.stdout,
      stderr: child.stderr,
      ended: child.status.then(({ code }: { code: number }) => code),
      kill: (signal) => child.kill(signal),
      endInput: () => void child.stdin.close().catch(() => {}),
    };
  }
  const child = globals.Bun.spawn([path, ...args], {
    cwd: root,
    env: fullEnv,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    pid: child.pid,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: child.exited,
    kill: (signal) => child.kill(signal),
    endInput: () => void child.stdin.end(),
  };
}

// --------------------------------------------------------------------------------------- server

/** A server, on 127.0.0.1 unless told otherwise. */
export interface Server extends AsyncDisposable {
  /** Its base URL, without a slash at the end. */
  readonly url: string;
  /** Stops once all requests are answered. */
  stop(): Promise<void>;
}

/**
 * Serves as the runtime does it, on a port that is free unless one is named. `serve` gets what the
 * runtime passes beside the request, too.
 */
export function serve(
  handle: (request: Request, info: unknown) => Response | Promise<Response>,
  { hostname = "127.0.0.1", port = 0, ...rest }: {
    hostname?: string;
    port?: number;
    /** Of Bun. */
    maxRequestBodySize?: number;
  } = {},
): Server {
  if (isDeno) {
    const options = { hostname, port, onListen: () => {} };
    // Deno passes no request to a function that declares no parameter.
    const server = globals.Deno.serve(
      options,
      (request: Request, info: unknown) => handle(request, info),
    );
    return {
      url: `http://${hostname}:${server.addr.port}`,
      stop: () => server.shutdown(),
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  }
  const server = globals.Bun.serve({ hostname, port, fetch: handle, ...rest });
  return {
    url: `http://${hostname}:${server.port}`,
    stop: () => Promise.resolve(server.stop()),
    [Symbol.asyncDispose]: () => Promise.resolve(server.stop(true)),
  };
}

/**
 * Ports that nobody listens on and that no outgoing connection will take: those below the range
 * from which systems give out ports, so that a process which was killed finds its own free again.
 * Another program may be quicker, therefore be ready to try again with others.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      await using _server = serve(() => new Response(), { port });
      ports.add(port);
    } catch {
      // Taken.
    }
  }
  return [...ports];
}

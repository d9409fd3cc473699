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
  const missing = needs.filter((runtime) => findRuntime(runtime) === undefined);
  if (missing.length > 0) {
    name += ` (there is no ${missing.join(", ")} here)`;
    if (process.env["GROUPCACHE_REQUIRE_BOTH"] !== "1") ignore = true;
    else body = () => Promise.reject(new Error(`Cannot run the test: no ${missing.join(", ")}`));
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

export interface SpawnOptions {
  /** @default the one that runs this */
  runtime?: Runtime;
  /** What comes before the program: the runtime's own arguments. */
  runtimeArgs?: readonly string[];
  /** What comes after the program. */
  args?: readonly string[];
  /** Added to this process's environment. */
  env?: Readonly<Record<string, string>>;
}

/** Starts a program of the repository in a process of its own. */
export function spawn(program: string, options: SpawnOptions = {}): Child {
  const { runtime: name = runtime, runtimeArgs, args = [], env = {} } = options;
  const path = findRuntime(name);
  if (path === undefined) throw new Error(`Cannot start ${program}: there is no ${name} here`);
  const before = runtimeArgs ?? (name === "deno" ? ["run", "-A", "--quiet"] : ["run"]);
  return new Child(program, path, [...before, join(root, program), ...args], env);
}

/**
 * A process, and what it prints. It is killed when it is disposed of. Its standard input is open
 * for as long as the process that started it lives, so that it can notice when it is left alone.
 */
export class Child implements AsyncDisposable {
  readonly pid: number;
  /** Settles when the process has gone and all of its output has been read. */
  readonly exited: Promise<void>;
  #program: string;
  #kill: (signal: string) => void;
  #endInput: () => void;
  #lines: string[] = [];
  #watchers = new Set<() => void>();
  #hasExited = false;

  constructor(
    program: string,
    path: string,
    args: string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#program = program;
    const { pid, stdout, stderr, ended, kill, endInput } = start(path, args, env);
    this.pid = pid;
    this.#kill = kill;
    this.#endInput = endInput;
    this.exited = Promise.all([this.#read(stdout), this.#read(stderr), ended]).then(() => {
      this.#hasExited = true;
      this.#wake();
    });
  }

  /** What it has printed so far, line by line, to standard output and error. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The first line that matches, printed already or to come. */
  line(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray> {
    const find = (lines: readonly string[]) => {
      for (const line of lines) {
        const match = line.match(pattern);
        if (match !== null) return match;
      }
      return undefined;
    };
    return this.until(find, `a line like ${pattern}`, deadlineMs);
  }

  /** Waits until what it has printed is as it should be: until `find` finds something. */
  async until<T>(
    find: (lines: readonly string[]) => T | undefined,
    what: string,
    deadlineMs = 30_000,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const giveUp = (why: string) => {
      const output = this.#lines.slice(-50).join("\n");
      reject(
        new Error(`Cannot wait for ${what} from ${this.#program}: ${why}. It printed:\n${output}`),
      );
    };
    const look = () => {
      const found = find(this.#lines);
      if (found !== undefined) resolve(found);
      else if (this.#hasExited) giveUp("it has ended");
    };
    const timer = setTimeout(() => giveUp(`nothing in ${deadlineMs} ms`), deadlineMs);
    this.#watchers.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT" = "SIGKILL"): Promise<void> {
    if (!this.#hasExited) {
      try {
        this.#kill(signal);
      } catch {
        // It has just gone by itself.
      }
    }
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endInput();
    await this.kill();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length === 0) continue;
      this.#lines.push(...lines);
      this.#wake();
    }
    if (rest !== "") this.#lines.push(rest);
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

interface Started {
  pid: number;
  stdout: ReadableStream<Uint8Array>;
  stderr: ReadableStream<Uint8Array>;
  ended: Promise<unknown>;
  kill: (signal: string) => void;
  endInput: () => void;
}

function start(path: string, args: string[], env: Readonly<Record<string, string>>): Started {
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
      ended: child.status,
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

/** A server on 127.0.0.1. */
export interface Server extends AsyncDisposable {
  /** Its base URL, without a slash at the end. */
  readonly url: string;
}

/**
 * Serves on 127.0.0.1 as the runtime does it, on a port that is free. `serve` gets what the
 * runtime passes beside the request, too.
 */
export function serve(
  handle: (request: Request, info: unknown) => Response | Promise<Response>,
  { port = 0 }: { port?: number } = {},
): Server {
  const hostname = "127.0.0.1";
  if (isDeno) {
    const options = { hostname, port, onListen: () => {} };
    // Deno passes no request to a function that declares no parameter.
    const server = globals.Deno.serve(
      options,
      (request: Request, info: unknown) => handle(request, info),
    );
    return {
      url: `http://${hostname}:${server.addr.port}`,
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  }
  const server = globals.Bun.serve({ hostname, port, fetch: handle });
  return {
    url: `http://${hostname}:${server.port}`,
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

import { join } from "node:path";
import { findRuntime, root, type Runtime, runtime, start } from "../runtime.ts";

export interface SpawnOptions {
  /** @default the one that runs this */
  runtime?: Runtime;
  /** What comes before the program: the runtime's own arguments. */
  runtimeArgs?: readonly string[];
  /** What comes after the program. */
  args?: readonly string[];
  /** Added to this process's environment. */
  env?: Readonly<Record<string, string>>;
  /** A command that becomes what it is given as its last arguments, as `nice` does. */
  via?: readonly string[];
}

/** Starts a program of the repository in a process of its own. */
export function spawn(program: string, options: SpawnOptions = {}): Child {
  const { runtime: name = runtime, runtimeArgs, args = [], env = {}, via = [] } = options;
  const path = findRuntime(name);
  if (path === undefined) throw new Error(`Cannot start ${program}: there is no ${name} here`);
  const before = runtimeArgs ?? (name === "deno" ? ["run", "-A", "--quiet"] : ["run"]);
  const [command = path, ...rest] = [...via, path, ...before, join(root, program), ...args];
  return new Child(program, command, rest, env);
}

/**
 * A process, and what it prints. It is killed when it is disposed of. Its standard input is open
 * for as long as the process that started it lives, so that it can notice when it is left alone.
 */
export class Child implements AsyncDisposable {
  readonly pid: number;
  /** Its exit code, when the process has gone and all of its output has been read. */
  readonly exited: Promise<number>;
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
    this.exited = Promise.all([this.#read(stdout), this.#read(stderr), ended]).then(
      ([, , code]) => {
        this.#hasExited = true;
        this.#wake();
        return code;
      },
    );
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

  /** Sends a signal and waits for the end. Returns the exit code. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT" = "SIGKILL"): Promise<number> {
    if (!this.#hasExited) {
      try {
        this.#kill(signal);
      } catch {
        // It has just gone by itself.
      }
    }
    return await this.exited;
  }

  /** Sends a signal that does not end it. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#kill(signal);
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

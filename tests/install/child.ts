import { spawn } from "node:child_process";
import process from "node:process";

/** Where a program runs, and for how long. */
export interface ChildOptions {
  /** The folder that it runs in. */
  cwd: string;
  /** Variables beyond those of this process. */
  env?: Record<string, string>;
  /**
   * After how long it is killed, in milliseconds.
   *
   * @default 50000
   */
  timeoutMs?: number;
}

/**
 * A program in a process and a folder of its own, as on somebody else's machine. It is killed at
 * the latest when it is disposed of.
 */
export class Child implements AsyncDisposable {
  /** What it has printed so far. */
  output = "";
  /** What it has complained of so far. */
  errors = "";
  /** Its exit code, once it has ended; null if it was killed. */
  readonly exited: Promise<number | null>;
  /** The first line that it prints; rejects if it ends without one. */
  readonly firstLine: Promise<string>;
  #kill: () => void;

  constructor(command: string, args: readonly string[], options: ChildOptions) {
    const { cwd, env, timeoutMs = 50_000 } = options;
    const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env } });
    this.#kill = () => void child.kill("SIGKILL");
    const timer = setTimeout(this.#kill, timeoutMs);
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    this.exited.finally(() => clearTimeout(timer)).catch(() => {});
    child.stdout.setEncoding("utf8");
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.errors += text);
    this.firstLine = new Promise((resolve, reject) => {
      child.stdout.on("data", (text: string) => {
        this.output += text;
        const end = this.output.indexOf("\n");
        if (end >= 0) resolve(this.output.slice(0, end));
      });
      this.exited.then(
        () => reject(new Error(`${command} ${args.join(" ")} printed no line:\n${this.errors}`)),
        reject,
      );
    });
    this.firstLine.catch(() => {});
  }

  /** Kills it and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.exited.catch(() => {});
  }
}

/** Runs a program to its end, which must be a good one, and gives what it printed. */
export async function run(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<string> {
  await using child = new Child(command, args, options);
  const code = await child.exited;
  if (code === 0) return child.output;
  throw new Error(
    `${command} ${args.join(" ")} ended with ${code}:\n${child.output}${child.errors}`,
  );
}

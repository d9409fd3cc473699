/** The real name server and the real etcd, as processes of a test. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePorts, start, type Started, test } from "../runtime.ts";

const ATTEMPTS = 5;

/** Where a program is, or undefined. */
export function findProgram(name: string): string | undefined {
  // Where Debian keeps servers, which is on the PATH of root only.
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Declares a test that needs a program, or none. Where it is missing the test shows as skipped, or fails
 * if the environment says `GROUPCACHE_REQUIRE_SERVICES=1`.
 */
export function testWith(
  program: string | undefined,
  name: string,
  body: () => void | Promise<void>,
): void {
  if (program === undefined || findProgram(program) !== undefined) return test(name, body);
  const isRequired = process.env["GROUPCACHE_REQUIRE_SERVICES"] === "1";
  const why = `there is no ${program} here`;
  test(
    `${name} (${why})`,
    () => Promise.reject(new Error(`Cannot run the test: ${why}`)),
    { ignore: !isRequired },
  );
}

/** A process that answers. */
export interface Service extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** A folder that goes away with it. */
  readonly folder: string;
  /** Sends it a signal. */
  kill(signal: string): void;
}

/**
 * Starts a program on a free port and waits until a line of what it prints matches `ready`. Another
 * program may take the port first; it is then started again on another one.
 */
export async function startService(
  program: string,
  { args, ready, files = {} }: {
    args: (ports: number[], folder: string) => string[];
    ready: RegExp;
    files?: Readonly<Record<string, string>>;
  },
): Promise<Service> {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`there is no ${program} here`);
  for (let attempt = 1;; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), "groupcache-discovery-"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const ports = await freePorts(2);
    const child = start(path, args(ports, folder), {});
    const stop = async (): Promise<void> => {
      child.kill("SIGKILL");
      child.endInput();
      await child.ended;
      await rm(folder, { recursive: true, force: true });
    };
    const printed = await printedUntil(child, ready);
    if (printed === undefined) {
      return {
        port: ports[0] ?? 0,
        folder,
        kill: (signal) => child.kill(signal),
        [Symbol.asyncDispose]: stop,
      };
    }
    await stop();
    if (attempt === ATTEMPTS) throw new Error(`Cannot start ${program}: it printed ${printed}`);
  }
}

/** Undefined once a line matched; all that was printed if the program ended before. */
async function printedUntil(child: Started, ready: RegExp): Promise<string | undefined> {
  let printed = "";
  const found = Promise.withResolvers<undefined>();
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      printed += decoder.decode(chunk, { stream: true });
      if (ready.test(printed)) {
        found.resolve(undefined);
        // The rest is read all the same, so that the program never waits for a reader.
        printed = "";
      }
    }
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr)]).then(() => printed);
  return await Promise.race([found.promise, ended]);
}

/** Runs a program to its end. */
export function run(path: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, args, { cwd }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`Cannot run ${path}: ${stderr}`, { cause: error }));
    });
  });
}

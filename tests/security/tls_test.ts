import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "../processes/child.ts";
import { type Runtime, test } from "../runtime.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** An authority, and a certificate of it for this machine, in a folder that goes with the test. */
class Certificates implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "groupcache-tls-"));

  constructor() {
    writeFileSync(join(this.folder, "san"), "subjectAltName=IP:127.0.0.1\n");
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    this.#run("req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca");
    this.#run("req", ...curve, "-keyout", "key.pem", "-out", "csr", "-subj", "/CN=peer");
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san"];
    this.#run("x509", "-req", "-in", "csr", ...by, "-out", "cert.pem", "-days", "2");
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  #run(...args: string[]): void {
    const { status, stderr } = spawnSync("openssl", args, { cwd: this.folder });
    if (status !== 0) throw new Error(`Cannot run openssl ${args[0]}: ${stderr}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Asks a process, showing a certificate or none. */
function ask(url: string, certificates: Certificates, isPeer = true): Promise<string> {
  const ca = certificates.read("ca.pem");
  const own = isPeer
    ? { cert: certificates.read("cert.pem"), key: certificates.read("key.pem") }
    : {};
  return new Promise((resolve, reject) => {
    const call = request(url, { ca, ...own, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      response.on("end", () => resolve(`${response.statusCode} ${text}`));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

const CLUSTERS: { mode: string; runtimes: Runtime[] }[] = [
  { mode: "auth", runtimes: ["deno", "deno"] },
  { mode: "auth", runtimes: ["bun", "bun"] },
  { mode: "auth", runtimes: ["deno", "bun"] },
  { mode: "mutual", runtimes: ["bun", "bun"] },
];

for (const { mode, runtimes } of CLUSTERS) {
  const name = mode === "mutual" ? "mutual TLS" : "TLS and auth";
  test(
    `Processes serve each other by ${name} (${runtimes.join(", ")}), and no stranger`,
    async () => {
      using certificates = new Certificates();
      await using stack = new AsyncDisposableStack();
      const args = [certificates.folder, mode];
      const children = runtimes.map((runtime) =>
        stack.use(spawn("tests/security/tls_node.ts", { runtime, args }))
      );
      const urls = await Promise.all(children.map(async (child) => {
        const [, url = ""] = await child.line(/^serving (\S+)$/, 30_000);
        return url;
      }));
      const peers = urls.map((url) => `peer=${encodeURIComponent(url)}`).join("&");
      for (const url of urls) await ask(`${url}/join?${peers}`, certificates);
      const answers: string[][] = [];
      for (const url of urls) {
        const text = await ask(`${url}/get`, certificates);
        const { values, failures } = JSON.parse(text.slice(4));
        assertEquals(failures, []);
        answers.push(values);
      }
      const [first = [], second] = answers;
      assertEquals(first, second, "each key was loaded once");
      assertEquals(new Set(first.map((value) => value.split(" ")[2])), new Set(urls));
      const refused = await ask(`${urls[0]}/_groupcache/texts/key%201`, certificates, false)
        .catch(() => "no connection");
      assertEquals(refused, mode === "mutual" ? "no connection" : "401 ");
      assert(children.length === 2);
    },
    { ignore: !hasOpenssl, needs: [...new Set(runtimes)] },
  );
}

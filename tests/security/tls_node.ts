/**
 * A process that serves and asks its peers by TLS, as docs/security.md says. Arguments: the folder of
 * the certificates. It is told its peers by the first line of its input.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { GroupCache, text } from "../../mod.ts";
import { isDeno } from "../runtime.ts";

// deno-lint-ignore no-explicit-any -- neither runtime knows the other's globals
const globals = globalThis as any;

const [folder = "", mode = "auth"] = process.argv.slice(2);
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const [ca, cert, key] = [read("ca.pem"), read("cert.pem"), read("key.pem")];
const isMutual = mode === "mutual";

type Handle = (request: Request, info: unknown) => Response | Promise<Response>;

/** Serves by TLS; where clients must have a certificate, on Bun alone. */
function serveTls(handle: Handle): string {
  if (isDeno) {
    const options = { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} };
    const server = globals.Deno.serve(
      options,
      (request: Request, info: unknown) => handle(request, info),
    );
    return `https://127.0.0.1:${server.addr.port}`;
  }
  const clients = isMutual ? { ca, requestCert: true, rejectUnauthorized: true } : {};
  const tls = { cert, key, ...clients };
  const server = globals.Bun.serve({ hostname: "127.0.0.1", port: 0, tls, fetch: handle });
  return `https://127.0.0.1:${server.port}`;
}

/** Trusts the authority, and shows a certificate. */
function tlsFetch(): (url: string, init?: RequestInit) => Promise<Response> {
  if (!isDeno) {
    return (url, init) => fetch(url, { ...init, tls: { ca, cert, key } } as RequestInit);
  }
  const client = globals.Deno.createHttpClient({ caCerts: [ca], cert, key });
  return (url, init) => fetch(url, { ...init, client } as RequestInit);
}

const url = serveTls((request, info) => handle(request, info));
const cache = new GroupCache({
  self: url,
  fetch: tlsFetch(),
  log: false,
  // With mutual TLS whoever could connect may come in.
  ...(isMutual ? { authorize: () => true } : { auth: { secrets: ["the secret of this cluster"] } }),
});
const group = cache.group("texts", {
  maxBytes: 1 << 20,
  codec: text,
  load: (key) => `${key} ${url}`,
});
const failures: string[] = [];
cache.addEventListener("peer-error", ({ error }) => failures.push(error.message));
cache.addEventListener("peer-unauthorized", ({ reason }) => failures.push(reason));
const handle: Handle = async (request, info) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/join") {
    cache.setPeers(searchParams.getAll("peer"));
    return new Response();
  }
  if (pathname === "/get") {
    const values = await group.getMany(Array.from({ length: 20 }, (_, index) => `key ${index}`));
    return Response.json({ values: [...values.values()], failures });
  }
  return await cache.fetch(request, info);
};
process.stdin.resume();
process.stdin.on("end", () => process.exit());
// deno-lint-ignore no-console -- read by whoever starts this
console.log(`serving ${url}`);

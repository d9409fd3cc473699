import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { readTar } from "./tar.ts";

/** One version of a package, as `deno publish` sent it. */
export interface PublishedPackage {
  /** The scope without its `@`. */
  scope: string;
  name: string;
  version: string;
  /** The modules by the name that users import them by, as `deno.json` has them. */
  exports: Record<string, string>;
  /** The files by path, without a slash in front; imports are already rewritten. */
  files: Map<string, Uint8Array>;
}

/**
 * As much of JSR as it takes to publish a package and to install it: the management API that
 * `deno publish` speaks, and the files that Deno resolves `jsr:` specifiers by. On loopback.
 */
export class JsrRegistry implements AsyncDisposable {
  /** The paths that were asked for and are not there. */
  readonly missed: string[] = [];
  #server = createServer((request, response) => void this.#answer(request, response));
  #published: PublishedPackage | undefined;
  #files = new Map<string, Uint8Array | string>();

  private constructor() {}

  /** Starts a registry on a free port. */
  static async listen(): Promise<JsrRegistry> {
    const registry = new JsrRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** The registry's base URL, for JSR_URL. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("not listening");
    return `http://127.0.0.1:${address.port}/`;
  }

  /** What was published here last. */
  get published(): PublishedPackage {
    if (this.#published === undefined) throw new Error("nothing was published");
    return this.#published;
  }

  /** Serves a package under the paths that JSR has for it. */
  add(published: PublishedPackage): void {
    this.#published = published;
    const { scope, name, version, exports, files } = published;
    const base = `/@${scope}/${name}`;
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const [path, content] of files) {
      this.#files.set(`${base}/${version}/${path}`, content);
      const checksum = `sha256-${createHash("sha256").update(content).digest("hex")}`;
      manifest[`/${path}`] = { size: content.length, checksum };
    }
    // Deno takes no version that is less than a day old.
    const createdAt = new Date(Date.now() - 48 * 60 * 60 * 1000).toISOString();
    const versions = { [version]: { createdAt } };
    this.serve(`${base}/meta.json`, JSON.stringify({ scope, name, latest: version, versions }));
    this.serve(`${base}/${version}_meta.json`, JSON.stringify({ manifest, exports }));
  }

  /** Serves anything else, by its path. */
  serve(path: string, content: Uint8Array | string): void {
    this.#files.set(path, content);
  }

  /** Stops serving. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.url);
    const api = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)(?:\/versions\/([^/]+))?$/
      .exec(url.pathname);
    const [, scope, name, version] = api ?? [];
    if (scope === undefined || name === undefined) {
      const content = this.#files.get(url.pathname);
      if (content === undefined) {
        this.missed.push(url.pathname);
        return void response.writeHead(404).end();
      }
      const type = url.pathname.endsWith(".ts") ? "text/typescript" : "application/octet-stream";
      return void response.writeHead(200, { "content-type": type }).end(content);
    }
    const reply = (status: number, body: unknown) =>
      void response.writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(body));
    if (version === undefined) return reply(200, { scope, name });
    if (request.method !== "POST") return reply(404, { code: "packageVersionNotFound" });
    try {
      const files = readTar(gunzipSync(await buffer(request)));
      const config = files.get(url.searchParams.get("config")?.slice(1) ?? "");
      const { exports } = JSON.parse(new TextDecoder().decode(config));
      this.add({
        scope,
        name,
        version,
        exports: typeof exports === "string" ? { ".": exports } : exports,
        files,
      });
      reply(200, { id: crypto.randomUUID(), status: "success", error: null });
    } catch (error) {
      reply(400, { code: "badTarball", message: String(error) });
    }
  }
}

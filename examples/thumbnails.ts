// deno-lint-ignore-file no-console
/**
 * Thumbnails of pictures, each rendered once in the whole cluster. Run three processes:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082,http://127.0.0.1:8083
 *     PORT=8081 deno run -A examples/thumbnails.ts &
 *     PORT=8082 deno run -A examples/thumbnails.ts &
 *     PORT=8083 bun run examples/thumbnails.ts &
 *     open http://127.0.0.1:8081
 *
 * @module
 */

import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { GroupCache } from "@groupcache/groupcache";
import { thumbnailsApp } from "./thumbnails/app.ts";
import { paintPictures } from "./thumbnails/paint.ts";

declare const Bun: { serve(options: { hostname: string; port: number; fetch: unknown }): unknown };

const { PORT = "8080", SELF = `http://127.0.0.1:${PORT}`, PEERS = SELF, PICTURES } = process.env;
const address = { hostname: "127.0.0.1", port: Number(PORT) };

const folder = PICTURES ?? join(tmpdir(), "groupcache-pictures");
if (PICTURES === undefined) await paintPictures(folder, 10);

const cache = new GroupCache({ self: SELF, peers: PEERS.split(",") });
const app = thumbnailsApp({ cache, folder, log: console.log });

if ("Deno" in globalThis) Deno.serve({ ...address, onListen: () => {} }, app.fetch);
else Bun.serve({ ...address, fetch: app.fetch });
console.log(`serving ${SELF}`);

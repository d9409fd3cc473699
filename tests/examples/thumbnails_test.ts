import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GroupCache } from "@groupcache/groupcache";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { thumbnailsApp, type ThumbnailsOptions } from "../../examples/thumbnails/app.ts";
import { paintPictures } from "../../examples/thumbnails/paint.ts";
import { renderThumbnail } from "../../examples/thumbnails/render.ts";
import { spawn } from "../processes/child.ts";
import { freePorts, runtime, test } from "../runtime.ts";

interface App extends AsyncDisposable {
  folder: string;
  /** What was rendered, by width. */
  rendered: number[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** The app with four pictures, without a socket. */
async function startApp(options: Partial<ThumbnailsOptions> = {}): Promise<App> {
  const folder = await mkdtemp(join(tmpdir(), "groupcache-thumbnails-"));
  await paintPictures(folder, 1);
  const rendered: number[] = [];
  const cache = new GroupCache();
  const app = thumbnailsApp({
    cache,
    folder,
    render: (picture, width) => {
      rendered.push(width);
      return renderThumbnail(picture, width);
    },
    log: () => {},
    ...options,
  });
  return {
    folder,
    rendered,
    get: async (path, headers = {}) => await app.request(path, { headers }),
    async [Symbol.asyncDispose]() {
      await cache.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test("The thumbnails example renders a picture once, as a JPEG of the requested width", async () => {
  await using app = await startApp();
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => app.get("/thumbnail?path=julia/000.png&width=80")),
  );
  const [bytes = new Uint8Array()] = await Promise.all(
    responses.map(async (response) => new Uint8Array(await response.arrayBuffer())),
  );
  assertEquals(new Set(responses.map(({ status }) => status)), new Set([200]));
  assertEquals(responses[0]?.headers.get("content-type"), "image/jpeg");
  assertEquals([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  assertEquals(app.rendered, [80]);
});

test("The thumbnails example replies with 304 if the client has the picture already", async () => {
  await using app = await startApp();
  const first = await app.get("/thumbnail?path=waves/000.png");
  const etag = first.headers.get("etag") ?? "";
  assertMatch(etag, /^".+"$/);
  const again = await app.get("/thumbnail?path=waves/000.png", { "if-none-match": etag });
  assertEquals(again.status, 304);
  assertEquals(again.headers.get("etag"), etag);
  assertEquals(await again.text(), "");
  const other = await app.get("/thumbnail?path=waves/000.png", { "if-none-match": '"other"' });
  assertEquals(other.status, 200);
  assertEquals(app.rendered, [160]);
});

const refused: [why: string, query: string, status: number][] = [
  ["a path that is missing", "", 400],
  ["an empty path", "?path=", 400],
  ["a path out of the folder", "?path=../../etc/passwd", 400],
  ["a path out of the folder that ends well", "?path=..%2Fx.jpg", 400],
  ["an absolute path", "?path=/etc/x.jpg", 400],
  ["a width that is not on offer", "?path=julia/000.png&width=81", 400],
  ["a picture that is not there", "?path=julia/999.png", 404],
];

for (const [why, query, status] of refused) {
  test(`The thumbnails example replies with ${status} to ${why}`, async () => {
    await using app = await startApp();
    const response = await app.get(`/thumbnail${query}`);
    assertEquals(response.status, status);
    assertMatch(await response.text(), /^Cannot /);
    assertEquals(app.rendered, []);
  });
}

test("The thumbnails example refuses keys from peers that lead out of the folder", async () => {
  await using app = await startApp();
  for (const key of ["160:../../etc/x.jpg", "81:julia/000.png", "160", "160:/etc/x.jpg"]) {
    const response = await app.get(`/_groupcache/thumbnails/${encodeURIComponent(key)}`);
    assertEquals(response.status, 404, key);
    await response.text();
  }
});

test("The thumbnails example shows another picture when one takes too long", async () => {
  const stuck = Promise.withResolvers<Uint8Array>();
  await using app = await startApp({ patienceMs: 20, render: () => stuck.promise });
  const response = await app.get("/thumbnail?path=julia/000.png");
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("content-type"), "image/svg+xml");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertMatch(await response.text(), /^<svg /);
});

test("The thumbnails example computes a picture's color from its thumbnail", async () => {
  await using app = await startApp();
  const { color } = await (await app.get("/color?path=plots/000.png")).json();
  assertMatch(color, /^#[0-9a-f]{6}$/);
  assertEquals(app.rendered, [80]);
  assertEquals((await app.get("/color?path=plots/999.png")).status, 404);
  assertEquals((await app.get("/color")).status, 400);
});

test("The thumbnails example counts per group and in total", async () => {
  await using app = await startApp();
  await app.get("/thumbnail?path=plots/000.png");
  await app.get("/color?path=plots/000.png");
  const { groups, total } = await (await app.get("/stats")).json();
  assertEquals(groups.thumbnails.localLoads, 2);
  assertEquals(groups.colors.localLoads, 1);
  assertEquals(total.localLoads, 3);
  assertEquals(total.gets, groups.thumbnails.gets + groups.colors.gets);
  assertEquals(total.main.bytes, groups.thumbnails.main.bytes + groups.colors.main.bytes);
});

test("The thumbnails example is healthy until its pictures cannot be read", async () => {
  await using app = await startApp();
  const well = await app.get("/healthz");
  assertEquals(well.status, 200);
  assertEquals(await well.json(), { ok: true, reasons: [] });

  await rm(app.folder, { recursive: true });
  const ill = await app.get("/healthz");
  assertEquals(ill.status, 503);
  const { ok, reasons } = await ill.json();
  assertEquals(ok, false);
  assertMatch(reasons.join(), /^the pictures in .+ cannot be read$/);
});

test("The thumbnails example is unhealthy while rendering fails", async () => {
  await using app = await startApp();
  for (let number = 0; number < 5; number++) {
    await writeFile(join(app.folder, `noise-${number}.png`), "no picture at all");
    assertEquals((await app.get(`/thumbnail?path=noise-${number}.png`)).status, 500);
  }
  const ill = await app.get("/healthz");
  assertEquals(ill.status, 503);
  assertEquals((await ill.json()).reasons, ["the last 5 pictures could not be rendered"]);

  await app.get("/thumbnail?path=julia/000.png");
  assertEquals((await app.get("/healthz")).status, 200);
});

test("The thumbnails example lists its pictures", async () => {
  await using app = await startApp();
  const page = await (await app.get("/")).text();
  assertEquals(page.match(/<img /g)?.length, 4);
});

test(`The thumbnails example runs on ${runtime} as its comment says`, async () => {
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), "groupcache-thumbnails-"));
  try {
    await paintPictures(folder, 1);
    const env = { PORT: String(port), PICTURES: folder };
    await using child = spawn("examples/thumbnails.ts", { env });
    const [, url] = await child.line(/^serving (\S+)$/);
    const response = await fetch(`${url}/thumbnail?path=julia/000.png`);
    assert(response.ok);
    assertEquals((await response.arrayBuffer()).byteLength > 100, true);
    await child.line(/^rendered 160:julia\/000.png$/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

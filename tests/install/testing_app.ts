/** A user's test, as far as the package is concerned: a cluster in one process. */

import { text } from "@groupcache/groupcache";
import { Cluster } from "@groupcache/groupcache/testing";

await using cluster = new Cluster(3);
let loads = 0;
const groups = cluster.caches.map((cache) =>
  cache.group("pages", { maxBytes: 1 << 20, codec: text, load: (path) => `${path} ${++loads}` })
);
const pages = await cluster.clock.until(Promise.all(groups.map((group) => group.get("/index"))));
// deno-lint-ignore no-console -- how the test learns of it
console.log(JSON.stringify(pages));

/**
 * Owners of keys, each with a port of its own, in one process. It answers to `urls`, where they are, and to
 * `openChannels`, how many channels are open to all of them.
 *
 *     many_owners.ts COUNT
 */

import process from "node:process";
import { GroupCache } from "../../mod.ts";
import { ChannelCount } from "../../tests/processes/channel_count.ts";
import { serve } from "../../tests/runtime.ts";
import { print } from "../report.ts";
import { VALUE } from "./value.ts";

const channels = new ChannelCount();

function startOwner(): string {
  const server = serve(async (request, info) => {
    return channels.add(request, await cache.fetch(request, info));
  });
  // Each knows itself only: hellos of all to all would be a load of their own.
  const cache = new GroupCache({ self: server.url, log: false });
  cache.group("plain", { maxBytes: 1 << 20, load: () => VALUE });
  return server.url;
}

const urls = Array.from({ length: Number(process.argv[2]) }, startOwner);
const control = serve((request) =>
  Response.json(request.url.endsWith("/urls?") ? urls : channels.open)
);
print(`listening on ${control.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();

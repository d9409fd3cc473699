/** A server that answers every request with the same KiB, as a cache does that has nothing to do. */

import process from "node:process";
import { serve } from "../../tests/runtime.ts";
import { print } from "../store/report.ts";
import { handlerReply, VALUE } from "./value.ts";

const server = serve((request) =>
  request.url.includes("/reply") ? handlerReply() : new Response(VALUE)
);
print(`listening on ${server.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();

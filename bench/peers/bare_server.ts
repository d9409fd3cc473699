/** A server that answers every request with the same KiB, as a cache does that has nothing to do. */

import process from "node:process";
import { serve } from "../../tests/runtime.ts";
import { print } from "../report.ts";
import { handlerReply, VALUE, valueOf } from "./value.ts";

const values = new Map<string, Uint8Array<ArrayBuffer>>();

const server = serve((request) => {
  if (request.url.includes("/reply")) return handlerReply();
  const [, bytes] = request.url.split("/size/", 2)[1]?.match(/^(\d+)/) ?? [];
  if (bytes === undefined) return new Response(VALUE);
  let value = values.get(bytes);
  if (value === undefined) values.set(bytes, value = valueOf(Number(bytes)));
  return new Response(value);
});
print(`listening on ${server.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();

import { Buffer } from "node:buffer";
import type { Call } from "./calls.ts";
import { VALUE } from "./value.ts";

/** A bare `fetch` of a KiB. */
export function bareFetch(target: string): Call {
  return async (key) => {
    const response = await fetch(`${target}/${key}`);
    return await response.arrayBuffer();
  };
}

/** A client of Redis that pipelines by itself: the fastest that the runtime has. */
export async function redis(
  port: number,
  keys: readonly string[],
  bytes: Uint8Array<ArrayBuffer> = VALUE,
): Promise<Call> {
  const url = `redis://127.0.0.1:${port}`;
  if ("Bun" in globalThis) {
    // deno-lint-ignore no-explicit-any -- Deno does not know Bun's globals
    const client = new (globalThis as any).Bun.RedisClient(url);
    await client.connect();
    await Promise.all(keys.map((key) => client.set(key, bytes)));
    return (key) => client.getBuffer(key);
  }
  const { createClient } = await import("@redis/client");
  const client = createClient({ url });
  await client.connect();
  const value = new TextDecoder().decode(bytes);
  await Promise.all(keys.map((key) => client.set(key, value)));
  return (key) => client.get(key);
}

/** The most used client of Redis, told to gather the commands of a turn. */
export async function ioredis(
  port: number,
  keys: readonly string[],
  bytes: Uint8Array<ArrayBuffer> = VALUE,
): Promise<Call> {
  const { Redis } = await import("ioredis");
  const client = new Redis(port, "127.0.0.1", { enableAutoPipelining: true });
  const value = Buffer.from(bytes);
  await Promise.all(keys.map((key) => client.set(key, value)));
  return (key) => client.getBuffer(key);
}

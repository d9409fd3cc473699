import { assert, assertEquals } from "@std/assert";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Runtime, runtime, test } from "../runtime.ts";
import { Processes } from "./processes.ts";

const other: Runtime = runtime === "deno" ? "bun" : "deno";

/** How many bytes of a channel come through. */
const CHANNEL_BYTES = 3000;

/** Passes connections on, and cuts those of channels in the middle of a piece. */
class Cutter implements AsyncDisposable {
  /** What channels carried to the server, as far as it came through. */
  carried = "";
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((client) => {
      const server = connect(Number(port), hostname);
      const end = () => [client, server].forEach((socket) => socket.destroy());
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", end).on("close", end);
      }
      server.pipe(client);
      let left = Infinity;
      client.on("data", (bytes: Uint8Array) => {
        const text = new TextDecoder("latin1").decode(bytes);
        if (left === Infinity && text.includes("/_channel/ ")) left = CHANNEL_BYTES;
        if (left < Infinity) this.carried += text.slice(0, left);
        if (bytes.byteLength < left) {
          left -= bytes.byteLength;
          return void server.write(bytes);
        }
        this.cuts++;
        server.write(bytes.subarray(0, bytes.byteLength >> 1), end);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    return Promise.resolve();
  }
}

for (const [from, to] of [[runtime, runtime], [runtime, other], [other, runtime]] as const) {
  test(`No change from ${from} to ${to} is lost with the channel that it is on`, async () => {
    await using processes = new Processes();
    const [client, owner] = [await processes.start(from), await processes.start(to)];
    const cutter = processes.use(new Cutter(owner.url));
    const url = await cutter.listen();
    const peers = [client.url, url];
    await owner.tell("join", { peers, owner: url, self: url });
    await client.tell("join", { peers, owner: url });
    const keys = Array.from({ length: 8 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map(async (key) => {
      for (let round = 0; round < 40; round++) {
        await client.tell("set", { key, value: `set ${round} of ${key}` });
        assertEquals(await owner.tell("peek", { key }), `set ${round} of ${key}`);
        if (round % 4 > 0) continue;
        await client.tell("remove", { key });
        assertEquals(await owner.tell("peek", { key }), null);
      }
    }));
    assert(cutter.cuts > 0, "a channel was cut");
    assert(/set \d+ of key/.test(cutter.carried), "changes were on it");
  }, { needs: [from, to] });
}

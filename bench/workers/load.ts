import { connect, type Socket } from "node:net";

/** Requests on connections, each of which waits for a response before it sends the next request. */
export interface Load {
  /** The port, on 127.0.0.1. */
  port: number;
  connections: number;
  requests: number;
  /** The path of the next request. */
  path: () => string;
}

/**
 * Puts a server under load with as little work as possible, because the generator shares the machine's
 * cores with what it measures. Returns the milliseconds that each request took, and the total.
 */
export async function generate(load: Load): Promise<{ taken: number[]; ms: number }> {
  const { port, connections, path } = load;
  const sockets: Socket[] = [];
  // One by one: Deno's workers accept from one socket, and one worker may take all that arrive at once.
  for (let index = 0; index < connections; index++) sockets.push(await open(port));
  const taken: number[] = [];
  let left = load.requests;
  const start = performance.now();
  await Promise.all(sockets.map(async (socket) => {
    while (left-- > 0) {
      const sent = performance.now();
      await get(socket, path());
      taken.push(performance.now() - sent);
    }
    socket.destroy();
  }));
  return { taken, ms: performance.now() - start };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.setNoDelay(true);
    socket.once("error", reject);
    socket.once("connect", () => {
      // Callers see the error. Without a listener it would end the process.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

const SUCCESS = /^HTTP\/1\.1 200 [^]*?content-length: (\d+)/i;

/** Sends one request and reads its complete response, which must be successful and have a length. */
function get(socket: Socket, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = "";
    let missing = -1;
    const settle = (error?: Error): void => {
      socket.off("data", read).off("close", closed).off("error", settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => settle(new Error(`Cannot get ${path}: the connection was closed`));
    const read = (chunk: Uint8Array): void => {
      if (missing < 0) {
        // One character per byte, so that lengths agree.
        head += new TextDecoder("latin1").decode(chunk);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = head.slice(0, end).match(SUCCESS)?.[1];
        if (length === undefined) return settle(new Error(`Cannot get ${path}: received ${head}`));
        missing = Number(length) - (head.length - end - 4);
      } else {
        missing -= chunk.length;
      }
      if (missing === 0) settle();
    };
    socket.on("data", read).on("close", closed).on("error", settle);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  });
}

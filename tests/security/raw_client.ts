import { connect, type Socket } from "node:net";

/** Speaks HTTP as no client would: what it is told to, at its own pace, and reads no reply unless asked. */
export class RawClient implements Disposable {
  #socket: Socket;
  #closed: Promise<void>;
  #received = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
  }

  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.pause();
    return new RawClient(socket);
  }

  /** Sends text or bytes. Resolves when they have left, or the server hung up. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#socket.destroyed) return;
    const sent = new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    await Promise.race([sent, this.#closed]);
  }

  /** Sends the head of a request. */
  sendHead(line: string, headers: Record<string, string>): Promise<void> {
    const fields = { host: "peer", ...headers };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.send(`${line} HTTP/1.1\r\n${lines.join("")}\r\n`);
  }

  /** All that comes until the server hangs up, or `deadlineMs` are over. */
  async receive(deadlineMs = 5000): Promise<string> {
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#received += new TextDecoder("latin1").decode(chunk);
    });
    this.#socket.resume();
    await Promise.race([this.#closed, new Promise((resolve) => setTimeout(resolve, deadlineMs))]);
    return this.#received;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

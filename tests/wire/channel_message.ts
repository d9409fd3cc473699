import { Writer } from "../../lib/wire/writer.ts";

/** The bytes of one message of a channel, its length first, with what `write` writes. */
export function channelMessage(write: (writer: Writer) => void): Uint8Array<ArrayBuffer> {
  const writer = new Writer(8); // It has to grow.
  const start = writer.startFrame();
  write(writer);
  writer.endFrame(start);
  return writer.take();
}

/** A body that never ends, and how many bytes were taken of it. */
export class Endless {
  taken = 0;
  isCancelled = false;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>> = new ReadableStream({
    pull: (controller) => {
      this.taken += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
    cancel: () => {
      this.isCancelled = true;
    },
  }, { highWaterMark: 0 });
}

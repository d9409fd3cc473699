import { assert, assertEquals } from "@std/assert";
import { ByteView } from "../../../lib/byte_view.ts";
import { ByteBudget } from "../../../lib/http/server/byte_budget.ts";
import { Pace } from "../../../lib/http/server/pace.ts";
import { ValueBody } from "../../../lib/http/server/value_body.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { test } from "../../runtime.ts";

const HEAD = Uint8Array.of(1, 2, 3);
const BUDGET = 1 << 20;

/** A body of a value of this size, whose bytes count up, and its reader. */
class Setup {
  readonly clock = new VirtualClock();
  readonly sent = new ByteBudget(BUDGET, this.clock);
  readonly value: ByteView;
  readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

  constructor(size: number) {
    this.value = new ByteView(Uint8Array.from({ length: size }, (_, index) => index));
    assert(this.sent.tryTake(size));
    const { clock, sent, value } = this;
    const pace = new Pace(clock);
    const body = new ValueBody({ clock, pace, sent, takenBytes: size, head: HEAD, value });
    this.reader = body.stream.getReader();
  }

  /** Whether all was given back, and no timer is left. */
  get isOver(): boolean {
    const isFree = this.sent.tryTake(BUDGET);
    if (isFree) this.sent.give(BUDGET);
    return isFree && this.clock.pendingTimers === 0;
  }
}

for (const size of [1, 65_535, 65_536, 65_537, 300_000]) {
  test(`ValueBody sends what precedes a value of ${size} bytes, and the value in pieces`, async () => {
    const setup = new Setup(size);
    const received: number[] = [];
    let mostBytes = 0;
    for (;;) {
      const { value: piece } = await setup.reader.read();
      if (piece === undefined) break;
      mostBytes = Math.max(mostBytes, piece.byteLength);
      for (const byte of piece) received.push(byte);
      // A reader may overwrite and give away what it gets.
      piece.fill(9);
      structuredClone(piece, { transfer: [piece.buffer] });
    }
    assertEquals(received.length, HEAD.byteLength + size);
    assert(mostBytes <= 65_536 + HEAD.byteLength, `${mostBytes} bytes`);
    assertEquals(received.slice(0, 3), [...HEAD]);
    assert(received.slice(3).every((byte, index) => byte === (index & 255)));
    assert(setup.value.bytes().every((byte, index) => byte === (index & 255)));
    assert(setup.isOver);
  });
}

test("ValueBody gives its room back when its reader goes halfway, even while a piece is due", async () => {
  for (const isDue of [false, true]) {
    const setup = new Setup(300_000);
    await setup.reader.read();
    assert(!setup.isOver);
    const pending = isDue ? setup.reader.read() : undefined;
    await setup.reader.cancel();
    assert((await pending)?.value === undefined);
    assert(setup.isOver);
  }
});

test("ValueBody leaves a reader alone that takes nothing for 10 seconds", async () => {
  const setup = new Setup(300_000);
  const first = await setup.reader.read();
  assertEquals(first.value?.byteLength, 65_536 + HEAD.byteLength);
  await setup.clock.advance(9999);
  assert(!setup.isOver);
  await setup.clock.advance(2);
  assert(setup.isOver);
  assertEquals((await setup.reader.read()).done, true);
});

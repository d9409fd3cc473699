import { assert, assertEquals } from "@std/assert";
import { ByteBudget } from "../../../lib/http/server/byte_budget.ts";
import { LiveBody } from "../../../lib/http/server/live_body.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { test } from "../../runtime.ts";

const ALIVE = Uint8Array.of(0);

/** A body, what its reader has got so far, and how often it was told that the reader left. */
class Setup {
  readonly clock = new VirtualClock();
  readonly received: number[][] = [];
  leaves = 0;
  isDone = false;
  readonly sent = new ByteBudget(1 << 20, this.clock);
  readonly body = new LiveBody({
    clock: this.clock,
    keepalive: ALIVE,
    sent: this.sent,
    onLeave: () => this.leaves++,
  });
  readonly reader = this.body.stream.getReader();

  /** Reads on and on. Resolves when the body ends. */
  async read(): Promise<void> {
    for (let result = await this.reader.read(); !result.done; result = await this.reader.read()) {
      this.received.push([...result.value]);
      result.value.fill(9);
    }
    this.isDone = true;
  }
}

test("LiveBody sends what is written, in order, and ends", async () => {
  const setup = new Setup();
  setup.body.write(Uint8Array.of(1));
  const reading = setup.read();
  setup.body.write(Uint8Array.of(2, 3));
  setup.body.write(Uint8Array.of(4));
  setup.body.end();
  await reading;
  assertEquals(setup.received.flat(), [1, 2, 3, 4]);
});

test("LiveBody gives its reader all that was written before the end, however late it reads", async () => {
  const setup = new Setup();
  setup.body.write(Uint8Array.of(1));
  setup.body.end();
  await setup.clock.advance(60_000);
  await setup.read();
  assertEquals(setup.received, [[1]]);
});

test("LiveBody sends together what is written while nobody reads, and large values in pieces", async () => {
  const setup = new Setup();
  setup.body.write(Uint8Array.of(1));
  setup.body.write(Uint8Array.of(2, 3));
  setup.body.write(new Uint8Array(150_000));
  setup.body.write(Uint8Array.of(4));
  setup.body.end();
  await setup.read();
  assertEquals(setup.received.map(({ length }) => length), [65_536, 65_536, 150_004 - 131_072]);
  assertEquals(setup.received.flat().slice(0, 4), [1, 2, 3, 0]);
  assertEquals(setup.received.flat().at(-1), 4);
});

test("LiveBody lets waiting writers continue as its reader consumes what is before them", async () => {
  const setup = new Setup();
  setup.body.write(new Uint8Array(300_000));
  const written: string[] = [];
  for (const name of ["a", "b", "c"]) {
    setup.body.turn().then(() => {
      written.push(name);
      setup.body.write(new Uint8Array(200_000));
    });
  }
  await setup.clock.advance(0);
  assertEquals(written, []);
  await setup.reader.read();
  await setup.clock.advance(0);
  assertEquals(written, ["a"]);
  setup.read();
  await setup.clock.advance(0);
  assertEquals(written, ["a", "b", "c"]);
});

test("LiveBody leaves a reader alone that takes nothing for 10 seconds, and keeps nothing for it", async () => {
  const setup = new Setup();
  const large = 1 << 20;
  assert(await setup.body.takeRoom(large));
  setup.body.write(new Uint8Array(large));
  assert(!setup.sent.tryTake(1));
  await setup.clock.advance(9999);
  assertEquals(setup.leaves, 0);
  await setup.clock.advance(2);
  assertEquals(setup.leaves, 1);
  assert(setup.sent.tryTake(large));
  assertEquals(setup.clock.pendingTimers, 0);
  await setup.read();
  assertEquals(setup.received, []);
});

test("LiveBody frees the room of a large value when it is taken, or its reader goes", async () => {
  for (const reader of ["reads", "goes"]) {
    const setup = new Setup();
    assert(await setup.body.takeRoom(1 << 20));
    setup.body.write(new Uint8Array(1 << 20));
    if (reader === "reads") setup.read();
    else await setup.reader.cancel();
    await setup.clock.advance(0);
    assert(setup.sent.tryTake(1 << 20), reader);
  }
});

test("LiveBody shows life four times a second when there is nothing to send", async () => {
  const setup = new Setup();
  setup.read();
  await setup.clock.advance(249);
  assertEquals(setup.received, []);
  await setup.clock.advance(1);
  assertEquals(setup.received, [[0]]);
  await setup.clock.advance(750);
  // The reader overwrites what it gets: each is a copy.
  assertEquals(setup.received, [[0], [0], [0], [0]]);
});

test("LiveBody sends no signs of life while it has something to send", async () => {
  const setup = new Setup();
  setup.read();
  for (let writes = 1; writes <= 3; writes++) {
    await setup.clock.advance(249);
    setup.body.write(Uint8Array.of(writes));
  }
  await setup.clock.advance(249);
  assertEquals(setup.received, [[1], [2], [3]]);
  await setup.clock.advance(1);
  assertEquals(setup.received, [[1], [2], [3], [0]]);
});

test("LiveBody leaves no timer behind at its end, and nothing is written after it", async () => {
  const setup = new Setup();
  const reading = setup.read();
  setup.body.end();
  assertEquals(setup.clock.pendingTimers, 0);
  setup.body.write(Uint8Array.of(1));
  setup.body.end();
  await reading;
  assertEquals(setup.received, []);
  assertEquals(setup.clock.pendingTimers, 0);
  assertEquals(setup.leaves, 0);
});

test("LiveBody tells once that its reader has gone, and leaves no timer behind", async () => {
  const setup = new Setup();
  setup.body.write(Uint8Array.of(1));
  await setup.reader.cancel("enough");
  assertEquals(setup.leaves, 1);
  assertEquals(setup.clock.pendingTimers, 0);
  setup.body.write(Uint8Array.of(2));
  setup.body.end();
  await setup.clock.advance(60_000);
  assertEquals(setup.leaves, 1);
  assertEquals(setup.clock.pendingTimers, 0);
  assert(!setup.isDone);
});

import { assert, assertEquals } from "@std/assert";
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
  readonly body = new LiveBody(this.clock, ALIVE, () => this.leaves++);
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
  assertEquals(setup.received, [[1], [2, 3], [4]]);
});

test("LiveBody gives its reader all that was written before the end, however late it reads", async () => {
  const setup = new Setup();
  setup.body.write(Uint8Array.of(1));
  setup.body.end();
  await setup.clock.advance(60_000);
  await setup.read();
  assertEquals(setup.received, [[1]]);
});

test("LiveBody shows life four times a second when there is nothing to say", async () => {
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

test("LiveBody does not show life while it has something to say", async () => {
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

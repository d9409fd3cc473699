import { assertEquals } from "@std/assert";
import { Mismatches } from "../../lib/peer/mismatches.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { Hello } from "../../lib/wire/hello.ts";
import { test } from "../runtime.ts";

const [A, B, C] = ["http://a:1", "http://b:1", "http://c:1"] as const;

const MINE: Hello = {
  instance: "mine",
  self: A,
  peers: [A, B],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};
const THEIRS: Hello = { ...MINE, instance: "theirs", self: B };

class Setup {
  readonly clock = new VirtualClock();
  #told: string[] = [];
  #mismatches = new Mismatches({
    clock: this.clock,
    report: ({ kind, peer, message }) => {
      assertEquals(message.startsWith(peer), true);
      this.#told.push(`${kind}: ${message}`);
    },
  });

  /** What is told of a hello of the peer B. */
  hear(theirs: Partial<Hello>, url: string = B): string[] {
    this.#told.length = 0;
    this.#mismatches.compare(url, { ...THEIRS, ...theirs }, MINE);
    return [...this.#told];
  }
}

test("Mismatches has nothing to tell of peers that agree, in whatever order", () => {
  const setup = new Setup();
  assertEquals(setup.hear({}), []);
  assertEquals(setup.hear({ peers: [B, A] }), []);
});

test("Mismatches tells that the list holds this process under another name", () => {
  const said = new Setup().hear({ instance: "mine", self: A });
  assertEquals(said, [`self: ${B}: it is this process, ${A}`]);
});

test("Mismatches tells of a peer that has this process's name", () => {
  const said = new Setup().hear({ self: A }, A);
  assertEquals(said, [`name: ${A}: another process calls itself ${A} too`]);
});

test("Mismatches tells of a peer that calls itself otherwise than the list does", () => {
  assertEquals(new Setup().hear({ self: C }), [`name: ${B}: it calls itself ${C}`]);
});

test("Mismatches tells two processes of one name from one that starts anew", () => {
  const setup = new Setup();
  for (const instance of ["1", "1", "2", "2", "3"]) assertEquals(setup.hear({ instance }), []);
  assertEquals(setup.hear({ instance: "2" }), [`name: ${B}: two processes use this URL`]);
  assertEquals(setup.hear({ instance: "3" }), [], "which was told already");
  assertEquals(setup.hear({ instance: "4" }), []);
});

test("Mismatches tells of another placement", () => {
  assertEquals(new Setup().hear({ placement: "golang ring" }), [
    `placement: ${B}: it places keys by golang ring, this process by rendezvous`,
  ]);
});

test("Mismatches tells of lists that differ for longer than a minute, and in what", async () => {
  const setup = new Setup();
  const peers = [B, C];
  assertEquals(setup.hear({ peers }), []);
  await setup.clock.advance(59_999);
  assertEquals(setup.hear({ peers }), []);
  await setup.clock.advance(1);
  assertEquals(setup.hear({ peers }), [
    `peers: ${B}: its list of peers differs: it lacks ${A} and has ${C} in addition`,
  ]);
});

test("Mismatches gives each change of a list its minute", async () => {
  const setup = new Setup();
  setup.hear({ peers: [B] });
  await setup.clock.advance(50_000);
  setup.hear({});
  await setup.clock.advance(10_000);
  assertEquals(setup.hear({ peers: [B] }), []);
  await setup.clock.advance(60_000);
  assertEquals(setup.hear({ peers: [B], isLeaving: true }), [], "it is on its way out");
});

test("Mismatches tells what it told again only when it had gone away meanwhile", () => {
  const setup = new Setup();
  assertEquals(setup.hear({ self: C }).length, 1);
  assertEquals(setup.hear({ self: C }).length, 0);
  assertEquals(setup.hear({}).length, 0);
  assertEquals(setup.hear({ self: C }).length, 1);
});

test("Mismatches remembers all that are in the list, and no more than 100 others", () => {
  const setup = new Setup();
  const other = { placement: "golang ring" };
  const stranger = (index: number) => `http://stranger-${index}:1`;
  assertEquals(setup.hear(other).length, 1);
  for (let index = 0; index < 1000; index++) {
    const self = stranger(index);
    assertEquals(setup.hear({ ...other, self }, self).length, 1);
  }
  assertEquals(setup.hear(other), [], "which was told already");
  for (let index = 999; index > 900; index--) {
    const self = stranger(index);
    assertEquals(setup.hear({ ...other, self }, self), [], `${self}, of late`);
  }
  const self = stranger(0);
  assertEquals(setup.hear({ ...other, self }, self).length, 1, "which was forgotten");
});

test("Mismatches tells no more of what peers say than people can read", async () => {
  const setup = new Setup();
  const long = "x".repeat(100_000);
  const hello = { self: long, peers: [long], placement: long };
  const told = [...setup.hear(hello), ...setup.hear(hello, `http://${long}`)];
  await setup.clock.advance(60_000);
  told.push(...setup.hear(hello));
  assertEquals(told.map((text) => text.slice(0, 5)), ["name:", "place", "name:", "place", "peers"]);
  for (const text of told) assertEquals(text.length < 3000, true);
});

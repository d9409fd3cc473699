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

test("Mismatches reports nothing for peers that agree, in any order", () => {
  const setup = new Setup();
  assertEquals(setup.hear({}), []);
  assertEquals(setup.hear({ peers: [B, A] }), []);
});

test("Mismatches reports that the list holds this process under another name", () => {
  const said = new Setup().hear({ instance: "mine", self: A });
  assertEquals(said, [`self: ${B}: it is this process, ${A}`]);
});

test("Mismatches reports a peer that has this process's name", () => {
  const said = new Setup().hear({ self: A }, A);
  assertEquals(said, [`name: ${A}: another process calls itself ${A} too`]);
});

test("Mismatches reports a peer whose own name differs from the list's", () => {
  assertEquals(new Setup().hear({ self: C }), [`name: ${B}: it calls itself ${C}`]);
});

test("Mismatches distinguishes two processes with one name from one that restarts", () => {
  const setup = new Setup();
  for (const instance of ["1", "1", "2", "2", "3"]) assertEquals(setup.hear({ instance }), []);
  assertEquals(setup.hear({ instance: "2" }), [`name: ${B}: two processes use this URL`]);
  assertEquals(setup.hear({ instance: "3" }), [], "which was told already");
  assertEquals(setup.hear({ instance: "4" }), []);
});

test("Mismatches reports a different placement", () => {
  assertEquals(new Setup().hear({ placement: "golang ring" }), [
    `placement: ${B}: it places keys by golang ring, this process by rendezvous`,
  ]);
});

test("Mismatches reports how lists differ, after a minute", async () => {
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

test("Mismatches repeats a report only if the conflict had gone away meanwhile", () => {
  const setup = new Setup();
  assertEquals(setup.hear({ self: C }).length, 1);
  assertEquals(setup.hear({ self: C }).length, 0);
  assertEquals(setup.hear({}).length, 0);
  assertEquals(setup.hear({ self: C }).length, 1);
});

test("Mismatches remembers all peers in the list, and at most 100 strangers", () => {
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

test("Mismatches reports in one line what strangers call themselves", () => {
  const placement = "x\u001b[2J\ny";
  const told = new Setup().hear({ self: "http://b\n:1", placement }, "http://b\n:1");
  assertEquals(told.length, 2);
  assertEquals(told.filter((text) => /\p{Cc}/u.test(text)), []);
});

test("Mismatches cuts long texts of peers short in its reports", async () => {
  const setup = new Setup();
  const long = "x".repeat(100_000);
  const hello = { self: long, peers: [long], placement: long };
  const told = [...setup.hear(hello), ...setup.hear(hello, `http://${long}`)];
  await setup.clock.advance(60_000);
  told.push(...setup.hear(hello));
  assertEquals(told.map((text) => text.slice(0, 5)), ["name:", "place", "name:", "place", "peers"]);
  for (const text of told) assertEquals(text.length < 3000, true);
});

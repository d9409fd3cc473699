import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Discovery } from "../../lib/discovery/discovery.ts";
import type { SourceOptions } from "../../lib/discovery/source_options.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { testWith } from "./services.ts";

/** A source, and the system that it asks. */
export interface Subject {
  discovery: Discovery;
  /** Makes these the peers. They are of the form `http://10.0.0.1:8080`. */
  set: (peers: readonly string[]) => void | Promise<void>;
  /** Breaks the system and all connections to it, or mends it. */
  setBroken: (isBroken: boolean) => void;
  /** How often the system was asked. */
  requests: () => number;
  /** Ends the system. */
  dispose?: () => void | Promise<void>;
}

/** Makes a subject whose peers are `peers`. */
export type MakeSubject = (
  peers: readonly string[],
  options: SourceOptions,
) => Subject | Promise<Subject>;

export interface ConformanceOptions {
  /** What the tests call the source. */
  title?: string;
  /** The program that is asked. It is real, and the clock therefore the system's. */
  program?: string;
}

export const A = "http://10.0.0.1:8080";
export const B = "http://10.0.0.2:8080";
export const C = "http://10.0.0.3:8080";
export const D = "http://10.0.0.4:8080";

type Iterating = AsyncIterator<readonly string[] | Error>;

/** What holds for every source. */
export function conforms(
  name: string,
  make: MakeSubject,
  { title = name, program }: ConformanceOptions = {},
): void {
  const isReal = program !== undefined;
  interface Fixture extends Subject {
    clock: VirtualClock;
    iterator: Iterating;
    next: (iterator?: Iterating) => Promise<IteratorResult<readonly string[] | Error>>;
    /** The next list, past all errors. */
    list: (iterator?: Iterating) => Promise<readonly string[]>;
    /** The next error. */
    error: () => Promise<Error>;
  }

  const check = (
    sentence: string,
    peers: readonly string[],
    body: (fixture: Fixture) => Promise<void>,
    options: SourceOptions = {},
  ): void =>
    testWith(program, `${title} ${sentence}`, async () => {
      const clock = new VirtualClock();
      const subject = await make(peers, {
        debounceMs: 40,
        minRetryMs: 10,
        maxRetryMs: 80,
        ...(isReal ? {} : { clock, random: () => 0.5 }),
        ...options,
      });
      const iterator = subject.discovery[Symbol.asyncIterator]();
      const next: Fixture["next"] = (of = iterator) => isReal ? of.next() : clock.until(of.next());
      const list: Fixture["list"] = async (of = iterator) => {
        for (;;) {
          const { done, value } = await next(of);
          assert(!done, "it has ended");
          if (!(value instanceof Error)) return value;
        }
      };
      const error: Fixture["error"] = async () => {
        const { value } = await next();
        assertInstanceOf(value, Error);
        return value;
      };
      try {
        await body({ ...subject, clock, iterator, next, list, error });
        const returned = Promise.resolve(iterator.return?.());
        await (isReal ? returned : clock.until(returned));
        assertEquals(clock.pendingTimers, 0);
      } finally {
        await iterator.return?.();
        await subject.dispose?.();
      }
    });

  check("delivers the complete list first, sorted", [C, A, B], async ({ list }) => {
    assertEquals(await list(), [A, B, C]);
  });

  check("delivers complete lists when peers join and leave", [A], async ({ list, set }) => {
    assertEquals(await list(), [A]);
    await set([A, B]);
    assertEquals(await list(), [A, B]);
    await set([B]);
    assertEquals(await list(), [B]);
    await set([B, C, D]);
    assertEquals(await list(), [B, C, D]);
  });

  check("delivers nothing while only the order changes", [A, B], async ({ list, set }) => {
    assertEquals(await list(), [A, B]);
    await set([B, A]);
    await set([A, B, C]);
    assertEquals(await list(), [A, B, C]);
  });

  check("combines changes in quick succession into one list", [A], async ({ list, set }) => {
    assertEquals(await list(), [A]);
    await set([A, B]);
    await set([A, B, C]);
    await set([A, B, C, D]);
    assertEquals(await list(), [A, B, C, D]);
  }, { debounceMs: 1000 });

  check("reports that there are no peers, and keeps the list", [A, B], async (fixture) => {
    const { list, set, error } = fixture;
    assertEquals(await list(), [A, B]);
    await set([]);
    assert((await error()).message.startsWith(`Cannot find peers by ${name}`));
    await set([A]);
    assertEquals(await list(), [A]);
  });

  check("waits for a first peer", [], async ({ list, set, error }) => {
    assert((await error()).message.startsWith(`Cannot find peers by ${name}`));
    await set([A]);
    assertEquals(await list(), [A]);
  });

  check("reports a failing system, and continues after it recovers", [A], async (fixture) => {
    const { list, set, setBroken, error } = fixture;
    assertEquals(await list(), [A]);
    setBroken(true);
    for (let i = 0; i < 3; i++) {
      assert((await error()).message.startsWith(`Cannot find peers by ${name}`));
    }
    await set([A, B]);
    setBroken(false);
    assertEquals(await list(), [A, B]);
  });

  check("delivers nothing after a failure if the peers are the same", [A], async (fixture) => {
    const { list, set, setBroken, error } = fixture;
    assertEquals(await list(), [A]);
    setBroken(true);
    await error();
    setBroken(false);
    await set([A]);
    await set([A, B]);
    assertEquals(await list(), [A, B]);
  });

  check("starts with a system that is down", [A], async ({ list, setBroken, error }) => {
    setBroken(true);
    await error();
    await error();
    setBroken(false);
    assertEquals(await list(), [A]);
  });

  check("ends a pending `next` when it is returned", [A], async (fixture) => {
    const { iterator, list, requests, set } = fixture;
    assertEquals(await list(), [A]);
    const waiting = iterator.next();
    await iterator.return?.();
    assertEquals(await waiting, { done: true, value: undefined });
    assertEquals(await iterator.next(), { done: true, value: undefined });
    const asked = requests();
    await set([A, B]);
    await fixture.clock.advance(100_000);
    assertEquals(requests(), asked);
  });

  check("sends no request if it is returned before the first `next`", [A], async (fixture) => {
    const { iterator, requests } = fixture;
    await iterator.return?.();
    assertEquals(await iterator.next(), { done: true, value: undefined });
    assertEquals(requests(), 0);
  });

  const controller = new AbortController();
  check("ends when its signal aborts", [A], async ({ iterator, list }) => {
    assertEquals(await list(), [A]);
    const waiting = iterator.next();
    controller.abort();
    assertEquals(await waiting, { done: true, value: undefined });
    assertEquals(await iterator.next(), { done: true, value: undefined });
  }, { signal: controller.signal });

  check("supports two iterators at a time", [A], async ({ discovery, iterator, list, set }) => {
    const other = discovery[Symbol.asyncIterator]();
    assertEquals([await list(iterator), await list(other)], [[A], [A]]);
    await iterator.return?.();
    await set([B]);
    assertEquals(await list(other), [B]);
    await other.return?.();
  });

  if (isReal) return;

  check("queries a failing system less and less often", [A], async (fixture) => {
    const { clock, error, setBroken } = fixture;
    setBroken(true);
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      await error();
      times.push(clock.now());
    }
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    assertEquals(pauses, [7.5, 15, 30, 60, 60]);
  });
}

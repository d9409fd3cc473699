import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { borrowBytes, ByteView, viewOf } from "../lib/byte_view.ts";
import { anyCharacter } from "./any_character.ts";
import { test } from "./runtime.ts";

const HELLO = Uint8Array.of(104, 101, 108, 108, 111);

interface InitCase {
  name: string;
  make: () => { init: ConstructorParameters<typeof ByteView>[0]; change: () => void };
}

const INITS: InitCase[] = [
  {
    name: "a Uint8Array",
    make: () => {
      const init = HELLO.slice();
      return { init, change: () => init.fill(0) };
    },
  },
  {
    name: "a part of a larger Uint8Array",
    make: () => {
      const whole = Uint8Array.of(1, 2, ...HELLO, 3);
      return { init: whole.subarray(2, 7), change: () => whole.fill(0) };
    },
  },
  {
    name: "a Uint8Array of shared memory",
    make: () => {
      const init = new Uint8Array(new SharedArrayBuffer(5));
      init.set(HELLO);
      return { init, change: () => init.fill(0) };
    },
  },
  {
    name: "an ArrayBuffer",
    make: () => {
      const init = HELLO.slice().buffer;
      return { init, change: () => new Uint8Array(init).fill(0) };
    },
  },
  { name: "a string", make: () => ({ init: "hello", change: () => {} }) },
  {
    name: "another view",
    make: () => {
      const init = new ByteView("hello");
      return { init, change: () => init.bytes().fill(0) };
    },
  },
];

for (const { name, make } of INITS) {
  test(`new ByteView() of ${name} keeps its bytes when the original changes`, () => {
    const { init, change } = make();
    const view = new ByteView(init);
    change();
    assertEquals(view.bytes(), HELLO);
    assertEquals(view.size, 5);
    assert(view.equals("hello"));
  });
}

const WRONG_INITS: { name: string; init: unknown; received: string }[] = [
  { name: "nothing", init: undefined, received: "undefined" },
  { name: "null", init: null, received: "null" },
  { name: "a number", init: 5, received: "number" },
  { name: "an array of numbers", init: [1, 2], received: "object" },
  { name: "a DataView", init: new DataView(new ArrayBuffer(2)), received: "object" },
  { name: "a Uint16Array", init: Uint16Array.of(1), received: "object" },
];

for (const { name, init, received } of WRONG_INITS) {
  test(`new ByteView() of ${name} is a TypeError that says what was received`, () => {
    assertThrows(() => new ByteView(init as string), TypeError, `received ${received}`);
  });
}

test("ByteView encodes text as UTF-8, with U+FFFD for lone surrogates", () => {
  assertEquals(new ByteView("é€😀").bytes(), new TextEncoder().encode("é€😀"));
  assertEquals(new ByteView("a\ud800b").text(), "a\ufffdb");
});

test("ByteView.text() returns any well-formed text unchanged", () => {
  fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => {
    assertEquals(new ByteView(text).text(), text);
    assertEquals(String(new ByteView(text)), text);
  }));
});

test("ByteView.text() keeps a byte order mark, which is part of the value", () => {
  assertEquals(new ByteView("\ufeffa,b\n").text(), "\ufeffa,b\n");
});

test("ByteView.text() decodes invalid UTF-8 as U+FFFD", () => {
  assertEquals(new ByteView(Uint8Array.of(97, 255, 98)).text(), "a\ufffdb");
});

test("ByteView.json() parses anew at each call", () => {
  const view = new ByteView('{"name":"Ada"}');
  const one = view.json<{ name: string }>();
  const other = view.json<{ name: string }>();
  one.name = "Bob";
  assertEquals(other, { name: "Ada" });
  assertNotStrictEquals(one, other);
});

test("ByteView.json() skips a byte order mark, as Response.json() does", () => {
  assertEquals(new ByteView("\ufeff[1]").json(), [1]);
});

test("ByteView.json() throws a SyntaxError if the bytes are not JSON", () => {
  assertThrows(() => new ByteView("{").json(), SyntaxError);
  assertThrows(() => new ByteView("").json(), SyntaxError);
});

test("ByteView.bytes() returns a separate copy to each caller", () => {
  const view = new ByteView("hello");
  view.bytes().fill(0);
  assertEquals(view.text(), "hello");
});

test("ByteView.bytes() exposes nothing of the memory around a value", () => {
  const segment = new TextEncoder().encode("secret hello secret");
  const view = viewOf(segment.subarray(7, 12));
  assertEquals(view.bytes().buffer.byteLength, 5);
  assertEquals(view.slice(0, 2).bytes().buffer.byteLength, 2);
});

test("ByteView.slice() takes the positions of Array.prototype.slice()", () => {
  const position = fc.option(
    fc.oneof(
      fc.integer({ min: -12, max: 12 }),
      fc.double({ min: -12, max: 12 }),
      fc.constantFrom(NaN, Infinity, -Infinity, -0),
    ),
    { nil: undefined },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 10 }), position, position, (bytes, from, to) => {
    assertEquals([...new ByteView(bytes).slice(from, to).bytes()], [...bytes].slice(from, to));
  }));
});

test("ByteView.slice() of a slice counts from that slice", () => {
  assertEquals(new ByteView("hello world").slice(6).slice(1, 3).text(), "or");
});

test("ByteView.slice() copies nothing", () => {
  const view = new ByteView("hello world");
  assertEquals(borrowBytes(view.slice(6)).buffer, borrowBytes(view).buffer);
});

test("ByteView.equals() accepts everything that a view can be created from", () => {
  const view = new ByteView("hello");
  assert(view.equals(view));
  assert(view.equals(HELLO));
  assert(view.equals(HELLO.slice().buffer));
  assert(view.equals(new ByteView("hello world").slice(0, 5)));
  assert(!view.equals("hellp"));
  assert(!view.equals("hell"));
  assert(!view.equals("hello "));
  assert(!view.equals(""));
  assert(new ByteView("").equals(new Uint8Array()));
});

const LENGTHS = [0, 1, 65_535, 65_536, 65_537, 200_000];

for (const length of LENGTHS) {
  test(`ByteView.stream() delivers all of ${length} bytes, in chunks of at most 64 KiB`, async () => {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
    const chunks = await Array.fromAsync(new ByteView(bytes).stream());
    assertEquals(chunks.length, Math.ceil(length / 65_536));
    assert(chunks.every((chunk) => chunk.byteLength > 0 && chunk.byteLength <= 65_536));
    assertEquals(new Uint8Array(await new Blob(chunks).arrayBuffer()), bytes);
  });
}

test("ByteView.stream() delivers chunks that the reader may change", async () => {
  const view = new ByteView("hello");
  for await (const chunk of view.stream()) chunk.fill(0);
  assertEquals(view.text(), "hello");
});

test("ByteView.stream() starts from the beginning for each caller", async () => {
  const view = new ByteView("hello");
  assertEquals(await new Response(view.stream()).text(), "hello");
  assertEquals(await new Response(view.stream()).text(), "hello");
});

test("ByteView.toResponse() has the bytes as its body, and applies init", async () => {
  const response = new ByteView("hello").toResponse({
    status: 201,
    headers: { "content-type": "text/plain", etag: '"1"' },
  });
  assertEquals(response.status, 201);
  assertEquals(response.headers.get("content-type"), "text/plain");
  assertEquals(response.headers.get("etag"), '"1"');
  assertEquals(await response.text(), "hello");
});

test("ByteView.toResponse() exposes nothing of the memory around a value", async () => {
  const view = viewOf(new TextEncoder().encode("secret hello secret").subarray(7, 12));
  const whole = await view.toResponse().arrayBuffer();
  assertEquals(whole.byteLength, 5);
  new Uint8Array(whole).fill(0);
  for (const chunk of await Array.fromAsync(view.toResponse().body ?? [])) {
    assertEquals(chunk.byteOffset + chunk.byteLength, chunk.buffer.byteLength);
    chunk.fill(0);
  }
  assertEquals(view.text(), "hello");
});

test("ByteView has no property that leads to its bytes", () => {
  const view = new ByteView("hello");
  assertEquals(Reflect.ownKeys(view), []);
});

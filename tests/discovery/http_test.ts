import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { jsonLines, readJson, request, StatusError } from "../../lib/discovery/http.ts";
import { serve, test } from "../runtime.ts";

const fetch = (url: string, init?: RequestInit) => globalThis.fetch(url, init);

/** A response whose body arrives in the given chunks; then it ends, or goes on with the last one. */
function streamed(chunks: readonly string[], { isEndless = false } = {}): Response {
  const encoder = new TextEncoder();
  let index = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (index < chunks.length) controller.enqueue(encoder.encode(chunks[index++]));
        else if (isEndless) controller.enqueue(encoder.encode(chunks.at(-1)));
        else controller.close();
      },
    }),
    { status: 200 },
  );
}

async function linesOf(response: Response): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of jsonLines(response)) lines.push(line);
  return lines;
}

test("request() follows no redirect, so that a token reaches only the server it is for", async () => {
  const received: (string | null)[] = [];
  await using elsewhere = serve((request) => {
    received.push(request.headers.get("x-consul-token"));
    return Response.json([]);
  });
  await using server = serve(() => Response.redirect(`${elsewhere.url}/stolen`, 307));
  const headers = { "x-consul-token": "secret" };
  const error = await request(fetch, `${server.url}/v1`, { headers }).catch((error) => error);
  assertInstanceOf(error, StatusError);
  assertEquals(error.status, 307);
  assert(error.message.includes("redirects are not followed"), error.message);
  assertEquals(received, []);
});

test("request() reads only the beginning of an error", async () => {
  const refusal = streamed(["x".repeat(1000)], { isEndless: true });
  const failing = new Response(refusal.body, { status: 500 });
  const call = request(() => Promise.resolve(failing), "http://a/v1", {});
  const { message } = await assertRejects(() => call, StatusError);
  assert(message.length < 300, `${message.length} characters`);
});

test("readJson() stops at a reply that does not end", async () => {
  const endless = streamed(["[", " ".repeat(1 << 20)], { isEndless: true });
  await assertRejects(() => readJson(endless), RangeError, "bytes");
});

test("jsonLines() finds the values however the body was cut", async () => {
  const text = '{"é":1}\n\n[2,"a\\nb"]\r\n3\n"the last one"';
  const values = [{ é: 1 }, [2, "a\nb"], 3, "the last one"];
  for (let size = 1; size < 30; size++) {
    const chunks = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
    assertEquals(await linesOf(streamed(chunks)), values);
  }
});

test("jsonLines() stops at a line that does not end", async () => {
  const endless = streamed(["1\n", " ".repeat(1 << 20)], { isEndless: true });
  await assertRejects(() => linesOf(endless), RangeError, "bytes");
});

test("jsonLines() reads a long line in small chunks in linear time", async () => {
  const chunks = ['"', ...Array.from({ length: 100_000 }, () => "x".repeat(16)), '"\n'];
  const startedAt = performance.now();
  const [line] = await linesOf(streamed(chunks));
  assertEquals((line as string).length, 1_600_000);
  // Splitting what has arrived at each chunk takes minutes.
  assert(performance.now() - startedAt < 10_000);
});

test("jsonLines() cancels the body when its loop is left", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("1\n")),
    cancel: () => void (isCancelled = true),
  });
  for await (const line of jsonLines(new Response(body))) {
    assertEquals(line, 1);
    break;
  }
  assert(isCancelled);
});

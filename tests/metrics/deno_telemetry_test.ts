import { assert, assertEquals } from "@std/assert";
import { spawn } from "../processes/child.ts";
import { serve, test } from "../runtime.ts";

/** As much of OpenTelemetry's protocol as is looked at, in JSON. */
interface Traces {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
}

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  status: { code: number };
  attributes: { key: string; value: { stringValue?: string; doubleValue?: number } }[];
}

const ERROR = 2;

/** What Deno exports while it runs a program, and what that prints. */
async function run(program: string): Promise<{ spans: Span[]; output: string }> {
  const spans: Span[] = [];
  await using collector = serve(async (request) => {
    const message = await request.json();
    if (new URL(request.url).pathname === "/v1/traces") {
      const { resourceSpans } = message as Traces;
      spans.push(
        ...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      );
    }
    return Response.json({});
  });
  await using child = spawn(program, {
    runtime: "deno",
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
  const code = await child.exited;
  const output = child.lines.join("\n");
  assertEquals(code, 0, output);
  return { spans, output };
}

/** The names of a span and of those that it is below, from the bottom to the top. */
function pathTo(name: string, spans: readonly Span[]): string[] {
  const path: string[] = [];
  let span = spans.find((span) => span.name === name);
  for (; span !== undefined; span = spans.find(({ spanId }) => spanId === span?.parentSpanId)) {
    path.push(span.status.code === ERROR ? `${span.name} failed` : span.name);
  }
  return path;
}

test(
  "Deno's own OpenTelemetry has one trace from a request to the loader in another process",
  async () => {
    const { spans, output } = await run("tests/metrics/traced_node.ts");
    assert(/^\d+ loads, 0 requests in the end$/m.test(output), output);
    // Deno traces the requests between the two, and the load is below the one that it belongs to.
    assertEquals(pathTo("query first", spans), [
      "query first",
      "cache.load texts",
      "GET",
      "cache.peer texts",
      "cache.get texts",
      "request first",
    ]);
    assertEquals(pathTo("query by channel", spans), [
      "query by channel",
      "cache.load texts",
      "cache.peer texts",
      "cache.get texts",
      "request by channel",
    ]);
    assertEquals(pathTo("query bad", spans), [
      "query bad",
      "cache.load texts failed",
      "cache.peer texts failed",
      "cache.get texts failed",
      "request bad",
    ]);
    const [get] = spans.filter(({ name }) => name === "cache.get texts");
    const attributes = new Map(get?.attributes.map(({ key, value }) => [key, value]));
    assertEquals(attributes.get("groupcache.source")?.stringValue, "peer");
    assertEquals(attributes.get("cache.item_size")?.doubleValue, "value of first".length);
  },
  { needs: ["deno"] },
);

test(
  "A channel's request, which outlasts the calls that it carries, belongs to none of them",
  async () => {
    const { spans } = await run("tests/metrics/traced_node.ts");
    const channels = spans.filter(({ attributes }) =>
      attributes.some(({ value }) => value.stringValue?.endsWith("/_channel/"))
    );
    assert(channels.length > 0);
    const requests = new Set(
      spans.filter(({ name }) => name.startsWith("request")).map(({ traceId }) => traceId),
    );
    assertEquals(channels.filter(({ traceId }) => requests.has(traceId)), []);
  },
  { needs: ["deno"] },
);

import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "./runtime.ts";

interface ModuleCase {
  name: string;
  path: string;
  /** What programs use. */
  values: string[];
  /** What types name. */
  types: string[];
}

// Whoever adds a name here adds it to the public interface, and to CHANGELOG.md.
const MODULES: ModuleCase[] = [
  {
    name: "mod.ts",
    path: "../mod.ts",
    values: [
      "ByteView",
      "GroupCache",
      "GroupCacheError",
      "bytes",
      "json",
      "protobuf",
      "rendezvous",
      "text",
    ],
    types: [
      "AnswerCounts",
      "AuthOptions",
      "Authorize",
      "BinaryMessageType",
      "ByteViewInit",
      "CacheStats",
      "CallOptions",
      "CheckReport",
      "Clock",
      "CloseOptions",
      "Codec",
      "Discovery",
      "DiscoveryErrorEvent",
      "EncodeDecode",
      "Fetch",
      "FetchHandler",
      "Finding",
      "GoDialect",
      "Group",
      "GroupCacheErrorCode",
      "GroupCacheErrorOptions",
      "GroupCacheEventMap",
      "GroupCacheEvents",
      "GroupCacheOptions",
      "GroupCacheStats",
      "GroupLatencies",
      "GroupOptions",
      "GroupStats",
      "HotKey",
      "Inspection",
      "InspectionReply",
      "LatencyStats",
      "Load",
      "LoadContext",
      "LoadErrorEvent",
      "LoadMany",
      "Log",
      "LogEntry",
      "PeerDownEvent",
      "PeerErrorEvent",
      "PeerLimits",
      "PeerMismatchEvent",
      "PeerMismatchKind",
      "PeerState",
      "PeerStats",
      "PeerUnauthorizedEvent",
      "PeerUpEvent",
      "Placement",
      "Problem",
      "ProblemEvent",
      "ProcessReport",
      "ReportReply",
      "SpanDetails",
      "SpanOutcome",
      "TraceParent",
      "TraceSpan",
      "Tracer",
      "UnauthorizedReason",
      "UnprotectedEvent",
    ],
  },
  {
    name: "lib/placement/mod.ts",
    path: "../lib/placement/mod.ts",
    values: ["golangRing", "groupcacheGoRing", "mailgunRing", "rendezvous"],
    types: ["GoDialect", "HashRingOptions", "Placement", "RingHash"],
  },
  {
    name: "lib/dashboard/mod.ts",
    path: "../lib/dashboard/mod.ts",
    values: ["dashboard"],
    types: ["DashboardOptions"],
  },
  {
    name: "lib/metrics/mod.ts",
    path: "../lib/metrics/mod.ts",
    values: ["PROMETHEUS_TYPE", "observeMetrics", "openTelemetryTracer", "prometheusText"],
    types: [
      "MetricAttributes",
      "MetricMeter",
      "MetricOptions",
      "MetricResult",
      "OpenTelemetryApi",
      "OpenTelemetrySpan",
      "OpenTelemetrySpanContext",
      "SpanDetails",
      "SpanOutcome",
      "TraceParent",
      "TraceSpan",
      "Tracer",
    ],
  },
  {
    name: "lib/discovery/mod.ts",
    path: "../lib/discovery/mod.ts",
    values: ["consul", "dns", "etcd", "kubernetes", "poll"],
    types: [
      "Clock",
      "ConsulOptions",
      "Discovery",
      "DnsOptions",
      "DnsRecord",
      "DnsType",
      "EtcdOptions",
      "Fetch",
      "FindPeers",
      "KubernetesCredentials",
      "KubernetesOptions",
      "NameServer",
      "PollOptions",
      "ResolveDns",
      "SourceOptions",
    ],
  },
  {
    name: "lib/testing/mod.ts",
    path: "../lib/testing/mod.ts",
    values: ["Cluster", "VirtualClock"],
    types: ["ClusterOptions", "Fault"],
  },
];

/** Whether the doc comment of what `code` exports as `name` has an example. */
function hasExample(code: string, name: string): boolean {
  const declaration = new RegExp(`^export (?:class|const|function|interface|type) ${name}\\b`, "m");
  const before = code.slice(0, declaration.exec(code)?.index ?? 0);
  const comment = before.slice(before.lastIndexOf("/**"));
  return comment.endsWith("*/\n") && comment.includes("@example");
}

for (const { name, path, values, types } of MODULES) {
  const source = readFileSync(new URL(path, import.meta.url), "utf8");

  test(`${name} exports these values and no others`, async () => {
    assertEquals(Object.keys(await import(path)).sort(), values);
  });

  test(`${name} exports these types and no others`, () => {
    const statements = source.matchAll(/^export type \{([^}]*)\}/gm);
    const names = [...statements].flatMap(([, names = ""]) => names.match(/\w+/g) ?? []);
    assertEquals(names.sort(), types);
  });

  test(`${name} exports nothing whose documentation has no example`, () => {
    const statements = source.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]*)";$/gm);
    const bare = [...statements].flatMap(([, names = "", from = ""]) => {
      const code = readFileSync(new URL(from, new URL(path, import.meta.url)), "utf8");
      return (names.match(/\w+/g) ?? []).filter((name) => !hasExample(code, name));
    });
    assertEquals(bare, []);
  });

  test(`${name} documents and re-exports, and does nothing else`, () => {
    const rest = source
      .replace(/\/\*\*[^]*?@module\n \*\//, "")
      .replaceAll(/^export (type )?\{[^}]*\} from "\.[^"]*";$/gm, "");
    assertEquals(rest.trim(), "");
  });
}

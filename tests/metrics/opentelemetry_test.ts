import { assertEquals } from "@std/assert";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { observeMetrics } from "../../lib/metrics/mod.ts";
import { test } from "../runtime.ts";
import { sampleStats } from "../stats/sample_stats.ts";

/** Collects when it is told to. */
class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  /** Each value by its name and attributes. */
  async values(): Promise<Map<string, unknown>> {
    const { resourceMetrics } = await this.collect();
    return new Map(
      resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) =>
            [`${descriptor.name} ${Object.values(attributes).join(" ")}`, value] as const
          )
        )
      ),
    );
  }
}

test("observeMetrics() lets OpenTelemetry's own SDK read each counter, until it is ended", async () => {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  const stats = sampleStats(2, 10);
  let reads = 0;
  const cache = {
    stats() {
      reads++;
      return stats;
    },
  };
  const end = observeMetrics(cache, provider.getMeter("test"));
  assertEquals(reads, 0);
  const values = await reader.values();
  const group = stats.groups["group-1"];
  assertEquals(values.get("groupcache.gets group-1 app mirror"), group?.answers.mirror);
  assertEquals(values.get("groupcache.gets group-1 peer load"), group?.peerAnswers.load);
  assertEquals(values.get("groupcache.cache.size group-1 hot"), group?.hot.bytes);
  assertEquals(values.get("groupcache.cache.limit group-1"), group?.maxBytes);
  assertEquals(values.get("groupcache.peer.up http://10.0.1.9:8080"), 0);
  assertEquals(values.get("groupcache.peer.calls http://10.0.1.9:8080"), 900);
  end();
  await reader.values();
  assertEquals(reads, 1);
  await provider.shutdown();
});

// deno-lint-ignore-file no-console
import type { Balancer } from "./balancer.ts";
import type { Cluster, Counts } from "./cluster.ts";

/** Reports each part of the demo, checks it, and prints a summary. */
export class Report {
  /** Whether a check failed. */
  failed = false;
  #cluster: Cluster;
  #balancer: Balancer;
  #rows = [["", "requests", "failed", "renders", "peer loads", "hits", "p50 ms", "p99 ms"]];
  #name = "";
  #before: { counts: Counts; rendered: string[] } | undefined;

  constructor(cluster: Cluster, balancer: Balancer) {
    this.#cluster = cluster;
    this.#balancer = balancer;
  }

  /** Begins a part of the demo. */
  async part(name: string, what: string): Promise<void> {
    console.log(`\n${this.#rows.length}. ${what}`);
    this.#name = name;
    this.#before = await this.#now();
  }

  /** Ends the part, checks that no request failed, and returns the thumbnails rendered. */
  async end(): Promise<string[]> {
    const { requests, failures, latenciesMs } = this.#balancer.take();
    const after = await this.#now();
    const before = this.#before ?? after;
    // A restarted process adds to the list of renders and never removes from it.
    const rendered = subtract(after.rendered, before.rendered);
    latenciesMs.sort((a, b) => a - b);
    const percentile = (p: number) =>
      (latenciesMs[Math.floor(p * (latenciesMs.length - 1))] ?? 0).toFixed(1);
    this.#rows.push([
      this.#name,
      ...[
        requests,
        failures.length,
        rendered.length,
        after.counts.peerLoads - before.counts.peerLoads,
        after.counts.hits - before.counts.hits,
      ].map((count) => count.toLocaleString("en")),
      percentile(0.5),
      percentile(0.99),
    ]);
    this.check(failures.length === 0, `no failed request: ${failures.length} of ${requests}`);
    for (const failure of failures.slice(0, 5)) console.log(`        ${failure}`);
    return rendered;
  }

  /** Prints the result of a check. */
  check(isRight: boolean, what: string): void {
    console.log(`   ${isRight ? "ok  " : "FAIL"} ${what}`);
    if (!isRight) this.failed = true;
  }

  /** Prints a table of all parts. */
  print(): void {
    const widths = this.#rows[0]?.map((_, column) =>
      Math.max(...this.#rows.map((row) => row[column]?.length ?? 0))
    );
    console.log();
    for (const row of this.#rows) {
      console.log(
        row.map((cell, column) =>
          column === 0 ? cell.padEnd(widths?.[0] ?? 0) : cell.padStart(widths?.[column] ?? 0)
        ).join("  "),
      );
    }
    console.log(
      this.failed ? "\nNot all of it went as it should." : "\nAll of it went as it should.",
    );
  }

  async #now(): Promise<{ counts: Counts; rendered: string[] }> {
    return { counts: await this.#cluster.counts(), rendered: await this.#cluster.rendered() };
  }
}

/** Returns `all` without the items of `some`, each removed as often as it occurs there. */
function subtract(all: readonly string[], some: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of some) counts.set(line, (counts.get(line) ?? 0) + 1);
  return all.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

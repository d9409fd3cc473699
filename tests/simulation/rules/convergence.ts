import type { Read } from "../history.ts";
import type { Report } from "./rule.ts";

/**
 * Concurrent calls of `set` leave one value: at the end, when all can have heard of everything, no
 * two processes return values that different calls have set.
 */
export function checkConvergence(reads: readonly Read[], report: Report): void {
  const first = new Map<string, Read>();
  const reported = new Set<string>();
  for (const read of reads) {
    if (read.value.setBy === undefined) continue;
    const name = `${read.group} ${read.key}`;
    const other = first.get(name);
    if (other === undefined) first.set(name, read);
    if (other === undefined || other.value === read.value || reported.has(name)) continue;
    reported.add(name);
    report({
      rule: "diverged",
      key: read.key,
      what: `${other.by.name} returns value ${other.value.id} of ${read.key}, set by ` +
        `${other.value.by}, and ${read.by.name} value ${read.value.id}, set by ${read.value.by}`,
    });
  }
}

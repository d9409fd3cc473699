/** The trace that the keys of a message belong to, from one of them on. */
export interface KeyTrace {
  /** The index of the first of these keys. */
  readonly from: number;
  /** The W3C `traceparent`; the empty string if these keys belong to no trace. */
  readonly traceparent: string;
}

/** Returns the traces of keys, in their order: neighbours of one trace share an entry. */
export function tracesOf(
  calls: readonly { readonly traceparent: string | undefined }[],
): KeyTrace[] {
  const traces: KeyTrace[] = [];
  let current = "";
  for (const [from, { traceparent = "" }] of calls.entries()) {
    if (traceparent !== current) traces.push({ from, traceparent });
    current = traceparent;
  }
  return traces;
}

/** Adds the trace of the keys from an index on, after those of all earlier keys. */
export function addTrace(traces: KeyTrace[], trace: KeyTrace): void {
  // So that a message without keys between its traces takes no more memory than its keys do.
  if (traces.at(-1)?.from === trace.from) traces.pop();
  traces.push(trace);
}

/** Returns the `traceparent` of a key, by its index, if it belongs to a trace. */
export function traceparentAt(traces: readonly KeyTrace[], index: number): string | undefined {
  let low = 0;
  let high = traces.length;
  // A message from anybody may have as many traces as keys.
  while (low < high) {
    const middle = low + high >>> 1;
    if ((traces[middle] as KeyTrace).from <= index) low = middle + 1;
    else high = middle;
  }
  return traces[low - 1]?.traceparent || undefined;
}

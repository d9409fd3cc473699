import process from "node:process";
import type { FuzzTarget } from "./target.ts";

const held: Uint8Array[] = [];

const FAULTS: Record<string, () => void | Promise<void>> = {
  "throws": () => {
    throw new Error("it is broken");
  },
  "rejects": () => Promise.reject(new Error("it is broken")),
  "rejects-aside": () => void Promise.reject(new Error("it is broken")),
  "throws-later": () =>
    void setTimeout(() => {
      throw new Error("it is broken");
    }, 0),
  "spins": () => {
    for (;;);
  },
  "ends": () => process.exit(0),
  "crashes": () => void process.kill(process.pid, "SIGKILL"),
  "grows": () => void held.push(new Uint8Array(1 << 20).fill(1)),
};

let cases = 0;

/** One that goes wrong from case 25,000 on, in the way that the module's query names. */
export const TARGETS: readonly FuzzTarget[] = [{
  name: "faulty",
  weight: 1,
  run: () => cases++ < 25_000 ? undefined : FAULTS[new URL(import.meta.url).search.slice(1)]?.(),
}];

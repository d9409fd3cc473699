import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { spawn } from "../processes/child.ts";
import { test } from "../runtime.ts";

test("The demo leaves no process behind when it is interrupted", async () => {
  await using demo = spawn("examples/demo.ts");
  const pids = await demo.until((lines) => {
    const matches = lines.map((line) => line.match(/^Started .+ process (\d+)$/));
    const pids = matches.flatMap((match) => match === null ? [] : [Number(match[1])]);
    return pids.length === 3 ? pids : undefined;
  }, "three processes");
  for (const pid of pids) assert(isAlive(pid));
  await demo.kill("SIGINT");
  assertEquals(pids.filter(isAlive), []);
  assertMatch(demo.lines.join("\n"), /Stopped: interrupted/);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

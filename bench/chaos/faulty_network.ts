import type { CutKind } from "./faults.ts";
import type { Member } from "./member.ts";
import type { Network, Sides } from "./network.ts";

/** Loopback, between processes that act as if they could not reach each other. */
export class FaultyNetwork implements Network {
  readonly cluster = {};

  async cut([one, other]: Sides, kind: CutKind): Promise<void> {
    await Promise.all([cutOff(one, other, kind), cutOff(other, one, kind)]);
  }

  async heal(sides: Sides): Promise<void> {
    await cutOff(sides.flat(), [], "refuse");
  }

  [Symbol.dispose](): void {}
}

async function cutOff(
  members: readonly Member[],
  from: readonly Member[],
  kind: CutKind,
): Promise<void> {
  const urls = from.map(({ url }) => url);
  await Promise.all(members.map((member) => member.tell("cut", { urls, kind })));
}

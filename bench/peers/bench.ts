import type { Runtime } from "../../tests/runtime.ts";
import type { GroupStats } from "../../mod.ts";
import { median, type Report, type Row } from "../report.ts";
import type { Node, Others } from "./processes.ts";

/** What a bar is measured with. */
export interface Bench {
  runtime: Runtime;
  others: Others;
}

/** Measures one bar. */
export type Bar = (bench: Bench) => Promise<Report>;

/**
 * Rounds before the first that counts. At some thousand calls a second the compilers of both runtimes
 * are busy for seconds with what a process that is up for hours has behind it.
 */
const WARM_UP_ROUNDS = 4;

/** The figures of subjects that take turns, so that what else the machine does hits them alike. */
export async function inTurns<Figure>(
  rounds: number,
  subjects: Readonly<Record<string, () => Promise<Figure>>>,
): Promise<Record<string, Figure[]>> {
  const figures: Record<string, Figure[]> = {};
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [name, measure] of Object.entries(subjects)) {
      const figure = await measure();
      if (round >= 0) (figures[name] ??= []).push(figure);
    }
  }
  return figures;
}

/** The median of the rounds' ratios: a round's figures were taken under like conditions. */
export function ratio(of: readonly number[] = [], to: readonly number[] = []): number {
  return median(of.map((figure, round) => figure / (to[round] ?? NaN)));
}

/** The line of something that is not there to be run. */
export function skipped(name: string): Row {
  return { case: name, figures: { "": "skipped: not found" } };
}

/** How many requests of peers a process has answered, batches counted by their keys. */
export async function servedBy(node: Node): Promise<number> {
  const { serverRequests } = await node.ask<GroupStats>("stats");
  return serverRequests;
}

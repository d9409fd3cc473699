import type { Codec, Group, GroupOptions, LoadContext } from "@groupcache/groupcache";
import type { Value } from "./history.ts";
import type { Node } from "./node.ts";
import type { GroupPlan } from "./plan.ts";
import { draw } from "./random.ts";
import type { Load } from "./rules/loads.ts";
import type { World } from "./world.ts";

/** A group of the simulation: values are texts that name themselves, whatever the codec. */
export type TextGroup = Group<unknown, unknown>;

/** Where the values of a group come from. It may be slow, or fail in one way or another. */
export class Origin {
  readonly #world: World;
  readonly #node: Node;
  readonly #index: number;
  readonly #plan: GroupPlan;

  constructor(world: World, node: Node, index: number) {
    this.#world = world;
    this.#node = node;
    this.#index = index;
    this.#plan = world.plan.groups[index] as GroupPlan;
  }

  /** The options of the group in this process. */
  options(): GroupOptions<unknown, unknown> & { codec: Codec<unknown, unknown> } {
    const { ttlMs, maxBytes, loadTimeoutMs, mirrorMinuteQps, mirrorTtlMs, hasLoadMany } =
      this.#plan;
    return {
      ttlMs,
      maxBytes,
      loadTimeoutMs,
      mirrorMinuteQps,
      mirrorTtlMs,
      codec: this.#codec(),
      load: this.#load,
      ...hasLoadMany ? { loadMany: this.#loadMany } : {},
    };
  }

  /** A value as a caller sets it, and a loader brings it. */
  encode({ id, key }: Value): unknown {
    const chars = Math.floor(draw(`${this.#world.plan.seed} pad ${id}`) * this.#plan.padChars);
    const text = `${key} ${id} ${"x".repeat(chars)}`;
    return this.#plan.codec === "json" ? { text } : text;
  }

  /** The value that a call brought; undefined if it is none of this group and key. */
  decode(key: string, brought: unknown): Value | undefined {
    const [itsKey, id] = textOf(brought).split(" ");
    const value = this.#world.history.values.get(Number(id));
    return value?.key === key && itsKey === key && value.group === this.#index ? value : undefined;
  }

  #codec(): Codec<unknown, unknown> {
    const { text, json } = this.#world.subject;
    const codecs = { text, json: json<unknown>(), bytes: undefined };
    return codecs[this.#plan.codec] as Codec<unknown, unknown>;
  }

  #load = (key: string, { signal }: LoadContext<unknown, unknown>): Promise<unknown> => {
    const load = this.#begin(key);
    signal.addEventListener("abort", () => load.isOver = true, { once: true });
    const { loadFailure } = this.#plan;
    const failure = this.#draw(load, "fails") / loadFailure;
    if (failure < 0.2) {
      this.#end(load, "throws");
      throw new Error("the origin throws");
    }
    return this.#answer(load, signal, () => {
      if (failure < 0.5) throw this.#end(load, "fails") ?? new Error("the origin fails");
      if (failure < 0.8) return this.#end(load, "finds nothing");
      this.#end(load, "brings");
      return this.encode(load.value);
    }, failure < 1 && failure >= 0.8);
  };

  #loadMany = (
    keys: readonly string[],
    { signal }: LoadContext<unknown, unknown>,
  ): Promise<Map<string, unknown>> => {
    const loads = keys.map((key) => this.#begin(key));
    signal.addEventListener("abort", () => loads.forEach((load) => load.isOver = true), {
      once: true,
    });
    const [first] = loads as [Load];
    return this.#answer(first, signal, () => {
      const { loadFailure } = this.#plan;
      if (this.#draw(first, "all fail") < loadFailure / 3) {
        for (const load of loads) this.#end(load, "fails with others");
        throw new Error("the origin fails for all");
      }
      const values = new Map<string, unknown>();
      for (const load of loads) {
        const failure = this.#draw(load, "fails") / loadFailure;
        this.#end(load, failure < 0.5 ? "fails" : failure < 0.8 ? "finds nothing" : "brings");
        if (failure < 0.5) values.set(load.value.key, new Error("the origin fails"));
        else if (!(failure < 0.8)) values.set(load.value.key, this.encode(load.value));
      }
      return values;
    }, false) as Promise<Map<string, unknown>>;
  };

  /** @param isHung Whether the origin never answers. */
  #answer(
    load: Load,
    signal: AbortSignal,
    answer: () => unknown,
    isHung: boolean,
  ): Promise<unknown> {
    const { scheduler, plan } = this.#world;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const minds = this.#draw(load, "minds the signal") < 0.5;
    if (minds) signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    const isSlow = !this.#world.isHealed && this.#draw(load, "slow") < 0.05;
    const { loadMeanMs } = this.#plan;
    const ms = -Math.log(1 - this.#draw(load, "takes")) * loadMeanMs * (isSlow ? 20 : 1);
    if (isHung && !this.#world.isHealed) return promise;
    scheduler.after(Math.min(ms, plan.healAtMs), () => {
      this.#node.gate.enter(() => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
    });
    return promise;
  }

  #begin(key: string): Load {
    const { history, rules } = this.#world;
    const { ttlMs } = this.#plan;
    const by = this.#node.name;
    const value = history.newValue({ group: this.#index, key, setBy: undefined, by, ttlMs });
    this.#world.note(by, `loads value ${value.id} of ${this.#plan.name}/${key}`, [key]);
    rules.handover.check(value);
    return rules.loads.began(value);
  }

  #end(load: Load, how: string): undefined {
    load.isOver = true;
    load.value.ended = this.#world.history.instant();
    const { key, id } = load.value;
    this.#world.note(this.#node.name, `${how} value ${id} of ${this.#plan.name}/${key}`, [key]);
  }

  #draw(load: Load, question: string): number {
    return draw(`${this.#world.plan.seed} load ${load.value.id} ${question}`);
  }
}

function textOf(brought: unknown): string {
  if (typeof brought === "string") return brought;
  if (typeof brought !== "object" || brought === null) return "";
  if ("text" in brought && typeof brought.text === "function") return brought.text();
  return "text" in brought ? String(brought.text) : "";
}

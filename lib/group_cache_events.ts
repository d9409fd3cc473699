import type { GroupCacheEventMap } from "./events.ts";

/**
 * An event target that knows the types of a cache's events, and which of them were listened to.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupCacheEvents } from "@groupcache/groupcache";
 *
 * // Whatever it listens to, the parameter's type follows from the event's name.
 * function watch(events: GroupCacheEvents): void {
 *   events.addEventListener("peer-down", ({ peer, error }) => console.warn(peer, error.message));
 * }
 *
 * await using cache = new GroupCache();
 * watch(cache);
 * ```
 */
export class GroupCacheEvents extends EventTarget {
  #types = new Set<string>();

  /** Listens to an event of interest to operators. */
  override addEventListener<Type extends keyof GroupCacheEventMap>(
    type: Type,
    listener: (event: GroupCacheEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As above, for any event. */
  override addEventListener(
    type: string,
    listener: Parameters<EventTarget["addEventListener"]>[1],
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    // deno-lint-ignore no-explicit-any -- both overloads
    listener: any,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#types.add(type);
    super.addEventListener(type, listener, options);
  }

  /** Whether a listener for events of a type was ever added. */
  protected hasListened(type: string): boolean {
    return this.#types.has(type);
  }
}

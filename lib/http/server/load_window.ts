/** So many loads of a request begin before it is known how large their values are. */
const FIRST_LOADS = 128;
const MIN_LOADS = 16;
/** Loads begin as long as the values of those under way are not expected to be more than this. */
const MAX_LOADED_BYTES = 4 << 20;

/** Options for {@linkcode loadInWindow}. */
export interface LoadWindowOptions<Item> {
  /** Loads an item and sends its value, as soon as that is taken. Returns the value's size in bytes. */
  load: (item: Item) => Promise<number>;
  /** Whether anybody still waits for them. */
  isWanted: () => boolean;
  /** Whether the group loads many keys in one query: then all loads begin together. */
  loadsTogether: boolean;
}

/**
 * Runs the loads of a request, no more at a time than the values of which the reply has room for: one
 * whose reader takes nothing must not have all of its values loaded and held.
 */
export async function loadInWindow<Item>(
  items: readonly Item[],
  { load, isWanted, loadsTogether }: LoadWindowOptions<Item>,
): Promise<void> {
  let next = 0;
  let running = 0;
  let loaded = 0;
  let loadedBytes = 0;
  const width = (): number => {
    if (loadsTogether) return Infinity;
    if (loaded === 0) return FIRST_LOADS;
    return Math.max(MIN_LOADS, MAX_LOADED_BYTES * loaded / loadedBytes);
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const begin = (): void => {
    while (next < items.length && running < width() && isWanted()) {
      running++;
      load(items[next++] as Item).then((bytes) => {
        running--;
        loaded++;
        loadedBytes += bytes;
        begin();
      });
    }
    if (running === 0) resolve();
  };
  begin();
  return await promise;
}

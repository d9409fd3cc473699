/** How many loads of a request begin before the size of their values is known. */
const FIRST_LOADS = 128;
const MIN_LOADS = 16;
/** Loads begin while the expected size of the values in flight is below this, in bytes. */
const MAX_LOADED_BYTES = 4 << 20;

/** Options for {@linkcode loadInWindow}. */
export interface LoadWindowOptions<Item> {
  /** Loads an item and sends its value once the reader has room. Returns the value's size in bytes. */
  load: (item: Item) => Promise<number>;
  /** Whether the caller still waits. */
  isWanted: () => boolean;
  /** Whether the group loads many keys in one query: then all loads begin at once. */
  loadsTogether: boolean;
}

/**
 * Runs the loads of a request, only as many at a time as the reply has room for: if the reader consumes
 * nothing, its values must not all be loaded and held.
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

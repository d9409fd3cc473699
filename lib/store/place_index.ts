import { IndexTable, MAX_SLOTS } from "./index_table.ts";

/** Bits by which entries are shared among tables, at most. */
const MAX_DEPTH = 16;
/** Bits of a slot's name that say which slot of its table it is. */
export const SLOT_BITS = 12;

/**
 * Where the entry of a hash is: extendible hashing over small tables. A table that gets full
 * doubles while it is small, then splits in two; one that gets empty halves, or joins its other
 * half. So growing never touches more than one table, which takes some tens of microseconds.
 */
export class PlaceIndex {
  /** The table of each run of leading hash bits. */
  #directory: IndexTable[] = [];
  #depth = 0;
  #freeIds: number[] = [];
  /** The tables by their ids; `undefined` where an id is free. */
  #tables: (IndexTable | undefined)[] = [];
  /** Memory taken, in bytes. */
  bytes = 0;

  constructor() {
    this.clear();
  }

  tableOf(hash: number): IndexTable {
    return this.#directory[hash >>> 1 >>> 31 - this.#depth] as IndexTable;
  }

  table(id: number): IndexTable {
    return this.#tables[id] as IndexTable;
  }

  /**
   * Makes room for an entry with this hash and returns its table. The table is left full, without
   * room, only if a sixteenth of all bits does not tell its hashes apart.
   */
  tableFor(hash: number): IndexTable {
    for (;;) {
      const table = this.tableOf(hash);
      if (table.items < (table.mask + 1) * 0.75) return table;
      if (table.mask + 1 < MAX_SLOTS) this.#resize(table, 2 * (table.mask + 1));
      else if (table.depth < MAX_DEPTH) this.#split(table, hash);
      else return table;
    }
  }

  /** Gives memory back after an entry with this hash was removed. */
  shrink(hash: number): void {
    const table = this.tableOf(hash);
    if (table.depth > 0) this.#join(table, hash);
    else if (table.mask + 1 > 64 && table.isSparse) {
      this.#resize(table, (table.mask + 1) / 2);
    }
  }

  clear(): void {
    this.bytes = 0;
    this.#depth = 0;
    this.#freeIds = [];
    this.#tables = [];
    this.#directory = [this.#create({ depth: 0 })];
  }

  #create(options: { depth: number; slots?: number }): IndexTable {
    const table = new IndexTable(this.#freeIds.pop() ?? this.#tables.length, options);
    this.#tables[table.id] = table;
    this.bytes += table.byteLength;
    return table;
  }

  #resize(table: IndexTable, slots: number): void {
    this.bytes -= table.byteLength;
    table.resize(slots);
    this.bytes += table.byteLength;
  }

  #split(table: IndexTable, hash: number): void {
    if (table.depth === this.#depth) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#depth++;
      this.bytes += 8 * this.#directory.length / 2;
    }
    const other = this.#create({ depth: table.depth, slots: MAX_SLOTS });
    table.split(other);
    this.#fill(hash, table.depth, { zero: table, one: other });
  }

  #join(table: IndexTable, hash: number): void {
    const other = this.tableOf(hash ^ 1 << 32 - table.depth);
    if (other.depth !== table.depth || table.items + other.items > MAX_SLOTS / 4) return;
    this.bytes -= other.byteLength;
    const depth = table.depth;
    table.merge(other);
    this.#tables[other.id] = undefined;
    this.#freeIds.push(other.id);
    this.#fill(hash, depth, { zero: table, one: table });
  }

  /** Enters the two halves of what was or becomes one table, `depth` bits being the halves' own. */
  #fill(hash: number, depth: number, halves: { zero: IndexTable; one: IndexTable }): void {
    const span = 1 << this.#depth - depth;
    const start = (hash >>> 1 >>> 31 - this.#depth) & ~(2 * span - 1);
    this.#directory.fill(halves.zero, start, start + span);
    this.#directory.fill(halves.one, start + span, start + 2 * span);
  }
}

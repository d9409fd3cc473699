import { createHash, createHmac } from "node:crypto";
import { useLightHttp } from "./light_http.ts";
import { Random } from "./random.ts";

/**
 * Takes chance out of the runtime while simulations run: what the library draws for the hashes of
 * keys and for the names of instances, when the collector finds something, and when a proof is computed,
 * which other threads do; and time out of errors.
 *
 * The runner puts it back: other tests of the process must not notice.
 */
export function stubChance(): Disposable {
  const { randomUUID, getRandomValues } = crypto;
  const { FinalizationRegistry } = globalThis;
  const { stackTraceLimit } = Error;
  // To find out where an error was made takes longer than what failed.
  Error.stackTraceLimit = 0;
  crypto.randomUUID = (): `${string}-${string}-${string}-${string}-${string}` => {
    const digits = (idSource?.next ?? Math.random)().toString(16).padEnd(18, "0").slice(2, 14);
    return `00000000-0000-4000-8000-${digits}`;
  };
  crypto.getRandomValues = ((array: Int32Array | Uint8Array) => {
    // Challenges, which are bytes, differ; nothing depends on how.
    const random = new Random(array instanceof Uint8Array ? `challenge ${challenges++}` : "secret");
    for (let i = 0; i < array.length; i++) array[i] = random.int(0, 2 ** 32 - 1);
    return array;
  }) as typeof crypto.getRandomValues;
  Object.assign(crypto.subtle, promptCrypto);
  globalThis.FinalizationRegistry = PromptRegistry as unknown as typeof FinalizationRegistry;
  const lightHttp = useLightHttp();
  return {
    [Symbol.dispose](): void {
      lightHttp[Symbol.dispose]();
      Object.assign(crypto, { randomUUID, getRandomValues });
      // The methods of the prototype show again.
      for (const name of Object.keys(promptCrypto)) Reflect.deleteProperty(crypto.subtle, name);
      globalThis.FinalizationRegistry = FinalizationRegistry;
      Error.stackTraceLimit = stackTraceLimit;
    },
  };
}

/** A collector that finds at once what nobody holds any more. */
class PromptRegistry<Held> {
  #callback: (held: Held) => void;

  constructor(callback: (held: Held) => void) {
    this.#callback = callback;
  }

  register(_target: object, held: Held): void {
    queueMicrotask(() => this.#callback(held));
  }

  unregister(): void {}
}

let challenges = 0;

/** What the library uses of `crypto.subtle`, without other threads. */
const promptCrypto = {
  importKey: (_format: string, raw: Uint8Array) => Promise.resolve(raw.slice()),
  sign: (_algorithm: string, key: Uint8Array, data: Uint8Array) =>
    Promise.resolve(exactBuffer(createHmac("sha256", key).update(data).digest())),
  digest: (_algorithm: string, data: Uint8Array) =>
    Promise.resolve(exactBuffer(createHash("sha256").update(data).digest())),
};

/** A buffer of these bytes alone: that of Node is shared. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

let idSource: Random | undefined;

/** Runs what names instances, whose names then follow from `random`. */
export function withIdsFrom<Result>(random: Random, run: () => Result): Result {
  idSource = random;
  try {
    return run();
  } finally {
    idSource = undefined;
  }
}

import type { Clock } from "../timing/clock.ts";
import { type AuthOptions, checkSecrets } from "./auth_options.ts";
import { SigningKey } from "./signing_key.ts";

/** How often a function is called for the secrets, in milliseconds. */
const REFRESH_MS = 30_000;
/** How often, if an unknown key is used, in milliseconds. Any client can cause that. */
const UNKNOWN_KEY_REFRESH_MS = 1000;

/** The keys derived from a cluster's secrets, the current one first. */
export class KeyRing {
  #options: KeyRingOptions;
  #secrets: readonly string[] = [];
  #keys: readonly SigningKey[] = [];
  #refreshedAtMs = -Infinity;
  #refreshing: Promise<void> | undefined;

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** The key to sign with; undefined before the first {@linkcode refresh}. */
  get current(): SigningKey | undefined {
    return this.#keys[0];
  }

  /** Resolves to the key to sign with, once it is available. */
  async ready(): Promise<SigningKey | undefined> {
    await this.refresh();
    return this.current;
  }

  /** Finds a key by its id. An unknown one may have been added since the secrets were read. */
  async find(id: string): Promise<SigningKey | undefined> {
    await this.refresh();
    const key = this.#find(id);
    if (key !== undefined || typeof this.#options.secrets !== "function") return key;
    await this.refresh(UNKNOWN_KEY_REFRESH_MS);
    return this.#find(id);
  }

  /** Reads the secrets again if they are old. Never rejects, and waits only for the first ones. */
  refresh(maxAgeMs: number = REFRESH_MS): Promise<void> | undefined {
    const { secrets, clock } = this.#options;
    const ageMs = Math.abs(clock.now() - this.#refreshedAtMs);
    const isDue = this.current === undefined || typeof secrets === "function" && ageMs >= maxAgeMs;
    if (isDue) this.#refreshing ??= this.#read().finally(() => this.#refreshing = undefined);
    const mustWait = this.current === undefined || maxAgeMs < REFRESH_MS;
    return mustWait ? this.#refreshing : undefined;
  }

  #find(id: string): SigningKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  async #read(): Promise<void> {
    const { secrets, clock, onError } = this.#options;
    try {
      const read = typeof secrets === "function" ? checkSecrets(await secrets()) : secrets;
      const isSame = read.length === this.#secrets.length &&
        read.every((secret, index) => secret === this.#secrets[index]);
      if (isSame) return;
      this.#keys = await Promise.all(read.map((secret) => SigningKey.from(secret)));
      this.#secrets = read;
    } catch (error) {
      onError(error);
    } finally {
      this.#refreshedAtMs = clock.now();
    }
  }
}

/** Options for {@linkcode KeyRing}. */
export interface KeyRingOptions {
  secrets: AuthOptions["secrets"];
  clock: Clock;
  /** Called if the secrets could not be read. The previous ones remain valid. */
  onError: (error: unknown) => void;
}

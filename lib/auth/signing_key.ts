const encoder = new TextEncoder();

/** HMAC-SHA-256 truncated to 128 bits, as RFC 2104 allows, halves the size of the header. */
const PROOF_BYTES = 16;
const KEY_ID_BYTES = 6;

/** What a key may sign. The first field prevents using a proof of one kind as another. */
export type SignedFields = readonly [
  kind: "key id" | "introduction" | "read" | "change" | "reply",
  ...fields: string[],
];

/** A secret, ready to sign. */
export class SigningKey {
  /** Identifies the key to processes that have it, so that they need not try all of theirs. */
  readonly id: string;
  #key: CryptoKey;

  private constructor(id: string, key: CryptoKey) {
    this.id = id;
    this.#key = key;
  }

  static async from(secret: string): Promise<SigningKey> {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const raw = encoder.encode(secret);
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
    return new SigningKey(await sign(key, ["key id"], KEY_ID_BYTES), key);
  }

  /** Signs fields, none of which may contain a line break. */
  sign(fields: SignedFields): Promise<string> {
    return sign(this.#key, fields, PROOF_BYTES);
  }
}

/** The SHA-256 of a body, as it is signed. */
export async function digestOf(body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Returns 128 random bits as text. */
export function nonce(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}

async function sign(key: CryptoKey, fields: SignedFields, byteLength: number): Promise<string> {
  const text = encoder.encode(`groupcache ${fields.join("\n")}`);
  const mac = await crypto.subtle.sign("HMAC", key, text);
  return base64url(new Uint8Array(mac, 0, byteLength));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

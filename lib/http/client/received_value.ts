import type { ByteView } from "../../byte_view.ts";
import type { EncodedValue } from "../../peer/peer.ts";

/** A value that came over a channel. A class for the reason of `OwnerLoad`. */
export class ReceivedValue implements EncodedValue {
  readonly view: ByteView;
  readonly expiresAtMs: number;
  readonly minuteQps: number | undefined;

  constructor(view: ByteView, expiresAtMs: number, minuteQps: number | undefined) {
    this.view = view;
    this.expiresAtMs = expiresAtMs;
    this.minuteQps = minuteQps;
  }
}

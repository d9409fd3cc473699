import type { EncodedValue } from "../../peer/peer.ts";
import { PeerCall } from "./peer_call.ts";

/** A call for the value of a key, however the key is sent. */
export class KeyCall extends PeerCall<EncodedValue> {
  /** How many times the key was sent. */
  attempts = 0;
  /**
   * The process that knew all changes of the key when the call was made, by its instance id; undefined if
   * that is not known. Nothing is accepted from another one.
   */
  told: string | undefined;
  /** Whether another process has answered in its place. */
  wasUntold = false;
  /** Whether the value is too large for a channel. */
  isLarge = false;

  override get kind(): string {
    // No group has a slash in its name.
    return this.peek ? `/${this.group}` : this.group;
  }

  override get extraBytes(): number {
    return 0;
  }
}

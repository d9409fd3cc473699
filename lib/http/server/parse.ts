import { GroupCacheError, messageOf } from "../../errors.ts";

/** Reads what a peer sent. What is wrong with it is the peer's fault, not a failure of ours. */
export function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new GroupCacheError("bad-key", messageOf(error), { cause: error });
  }
}

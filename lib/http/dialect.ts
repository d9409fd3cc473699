import type { GroupCacheErrorCode } from "../errors.ts";
import type { GoDialect } from "../placement/placement.ts";

/**
 * What the Go implementations do differently, in one place. All of them read the outcome of a load
 * from the status, send no sign of life while they load, and know neither bodies of keys nor hellos:
 * golang/groupcache answers any method as if it were a GET.
 */
export interface Dialect {
  /** Whether a peer that has not replied yet may run a Go implementation. */
  readonly mayBeGo: boolean;
  /** Whether clients write a space in a key as `+` in a path. Otherwise a `+` is a plus. */
  readonly plusIsSpace: boolean;
  /**
   * The code of an error that a Go peer reports by status alone; undefined if the reply says nothing
   * about the key, so that the next peer is to be asked.
   */
  errorCode(status: number, message: string): GroupCacheErrorCode | undefined;
  /**
   * Whether a reply with an error status, and without our headers, shows that the peer can be asked
   * for other keys.
   */
  isUp(status: number): boolean;
}

const ours: Dialect = {
  mayBeGo: false,
  plusIsSpace: false,
  errorCode: () => undefined,
  isUp: () => false,
};

/** Other statuses are about one key: these are those of a proxy that cannot reach the peer. */
const isUp = (status: number): boolean => status !== 502 && status !== 504;

/** golang/groupcache: 404 if the group is missing, 500 for everything else. */
const golang: Dialect = { mayBeGo: true, plusIsSpace: true, errorCode: () => undefined, isUp };

/** mailgun/groupcache and groupcache-go: 404 if there is no such value, 503 if the loader failed. */
const mailgun: Dialect = {
  mayBeGo: true,
  plusIsSpace: false,
  errorCode(status, message) {
    // They also send 404 while a deploy is under way and the group is missing.
    if (status === 404) return message.startsWith("no such group: ") ? undefined : "not-found";
    return status === 503 ? "load-failed" : undefined;
  },
  isUp,
};

/** The dialect of the peers in a cluster, by the name that its placement gives. */
export function dialectOf(name: GoDialect | undefined): Dialect {
  switch (name) {
    case undefined:
      return ours;
    case "golang":
      return golang;
    case "mailgun":
      return mailgun;
  }
}
